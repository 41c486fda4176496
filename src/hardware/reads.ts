// The rate of a drive by size and number of concurrent reads: more and larger reads come nearer to its bandwidth.
import type { RuntimeSpec } from './runtime.js';
import type { LinkSpec, PathSpec } from './spec.js';

/**
 * Bytes/s of reads of `size` bytes, `inFlight` of which are always under way: each takes latency + size / bandwidth, and all together are no
 * faster than the drive. 128 KiB one by one from a drive of 3.5 GB/s and 80 us are 1.1 GB/s; llama.cpp's own measurement of a mapped file that
 * is read so says 1.22 (its PR 28223).
 * @param inFlight may be a fraction, where reads are spread over several drives
 */
export function readRate({ bandwidth, latencyNs }: PathSpec, size: number, inFlight: number): number {
  return Math.min(bandwidth, (inFlight * size * 1e9) / (latencyNs + (size * 1e9) / bandwidth));
}

/**
 * A link from drives as a runtime reads them. Whole experts are read as the drive takes them, several at a time. A mapped file is read in
 * pieces as threads touch it: one expert after another, at the rate of these pieces, which several drives share.
 */
export function readOver(link: LinkSpec, { read }: RuntimeSpec): LinkSpec {
  if (link.name !== 'ssd' || read.size === 'expert') return link;
  const { size, inFlight } = read;
  const { paths = [link] } = link;
  // The latency of the pieces is in their rate.
  const reached = paths.map((path) => ({ bandwidth: readRate(path, size, inFlight / paths.length), latencyNs: 0 }));
  const bandwidth = reached.reduce((sum, path) => sum + path.bandwidth, 0);
  return { ...link, bandwidth, latencyNs: 0, lanes: link.flows === 'single' ? paths.length : 1, ...(link.paths && { paths: reached }) };
}

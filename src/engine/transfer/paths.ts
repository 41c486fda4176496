// Several paths of different speed into one memory (L10): the time of a transfer that is divided over them.
import type { PathSpec } from '../../hardware/door.js';

/**
 * Time of a transfer that is divided over idle paths so that all end together, ns: T = (bytes + sum of l B) / sum of B over the paths of
 * latency l < T and rate B.
 * @param paths in order of latency, at least one @param rate factor on every bandwidth, (0, 1]
 */
export function splitNs(paths: readonly PathSpec[], bytes: number, rate: number): number {
  let moved = bytes;
  let bytesPerNs = 0;
  for (let p = 0; ; p++) {
    const { bandwidth, latencyNs } = paths[p]!;
    const speed = (bandwidth * rate) / 1e9;
    moved += latencyNs * speed;
    bytesPerNs += speed;
    const endNs = moved / bytesPerNs;
    if (p + 1 === paths.length || endNs <= paths[p + 1]!.latencyNs) return endNs;
  }
}

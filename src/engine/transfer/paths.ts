// Several paths of different speed into one memory (L10): the time of a transfer that is divided over them.
import type { PathSpec } from '../../hardware/door.js';

/**
 * Time of a transfer whose bytes are divided over idle paths so that all parts end together, ns. A path of latency l and rate B moves
 * (T - l) B bytes by time T, nothing before l; the parts are all of the transfer where the sum over the paths with l < T of (T - l) B is
 * `bytes`, hence T = (bytes + sum of l B) / sum of B. A path whose latency is longer than the others take is left out.
 * @param paths in order of latency, at least one
 * @param rate factor on every bandwidth, (0, 1]
 */
export function splitNs(paths: readonly PathSpec[], bytes: number, rate: number): number {
  let moved = bytes;
  let bytesPerNs = 0;
  for (let p = 0; ; p++) {
    const { bandwidth, latencyNs } = paths[p]!;
    const own = (bandwidth * rate) / 1e9;
    moved += latencyNs * own;
    bytesPerNs += own;
    const endNs = moved / bytesPerNs;
    if (p + 1 === paths.length || endNs <= paths[p + 1]!.latencyNs) return endNs;
  }
}

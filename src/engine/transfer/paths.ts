import type { PathSpec } from '../../hardware/door.js';

/**
 * Time over idle paths (L10) with a common end, ns: T = (bytes + sum of l B) / sum of B over paths of latency l < T and
 * rate B. @param paths by ascending latency, not empty @param rate factor on every bandwidth, (0, 1]
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

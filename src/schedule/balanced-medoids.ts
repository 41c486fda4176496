import { bitCount } from '../base/bits.js';
import type { Random } from '../base/random.js';

/** Most rounds of assignment (the official code's default). */
const EPOCHS = 30;

/** Hamming distances of all pairs. @param paths `[count, words]`, a bit per expert @returns `[count, count]` */
export function hammingDistances(paths: Int32Array, count: number, words: number): Int32Array {
  const distances = new Int32Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      let distance = 0;
      for (let w = 0; w < words; w++) distance += bitCount(paths[i * words + w]! ^ paths[j * words + w]!);
      distances[i * count + j] = distance;
      distances[j * count + i] = distance;
    }
  }
  return distances;
}

/** Sizes of `clusters` even clusters of `count` items; the first may be larger by 1. */
export const evenSizes = (count: number, clusters: number): number[] =>
  Array.from({ length: clusters }, (_, c) => Math.floor(count / clusters) + (c < count % clusters ? 1 : 0));

/** K-medoids of {@link evenSizes}, as in ExpertFlow. @param distances `[count, count]` @returns cluster by item */
export function balancedMedoids(distances: Int32Array, count: number, clusters: number, random: Random): Int32Array {
  const sizes = evenSizes(count, clusters);
  let medoids = drawDistinct(count, clusters, random);
  let labels = new Int32Array(count).fill(-1);
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const next = assign(distances, count, medoids, sizes);
    const settled = next.every((label, i) => label === labels[i]);
    labels = next;
    if (settled) break;
    medoids = sizes.map((_, cluster) => medoidOf(distances, count, labels, cluster));
  }
  return labels;
}

function assign(distances: Int32Array, count: number, medoids: readonly number[], sizes: readonly number[]): Int32Array<ArrayBuffer> {
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    let nearest = 0;
    for (let c = 1; c < medoids.length; c++)
      if (distances[i * count + medoids[c]!]! < distances[i * count + medoids[nearest]!]!) nearest = c;
    labels[i] = nearest;
  }
  const byDistance = (medoid: number) => (a: number, b: number) => distances[a * count + medoid]! - distances[b * count + medoid]! || a - b;
  const filled = sizes.map((size, cluster) => {
    const members = [...labels.keys()].filter((i) => labels[i] === cluster).sort(byDistance(medoids[cluster]!));
    for (const i of members.slice(size)) labels[i] = -1;
    return Math.min(size, members.length);
  });
  for (const [cluster, size] of sizes.entries()) {
    const missing = size - filled[cluster]!;
    if (missing === 0) continue;
    const left = [...labels.keys()].filter((i) => labels[i] === -1).sort(byDistance(medoids[cluster]!));
    for (const i of left.slice(0, missing)) labels[i] = cluster;
  }
  return labels;
}

function medoidOf(distances: Int32Array, count: number, labels: Int32Array, cluster: number): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    if (labels[i] !== cluster) continue;
    let sum = 0;
    for (let j = 0; j < count; j++) if (labels[j] === cluster) sum += distances[i * count + j]!;
    if (sum < least) {
      least = sum;
      best = i;
    }
  }
  return best;
}

function drawDistinct(count: number, wanted: number, random: Random): number[] {
  const pool = Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: wanted }, () => pool.splice(random.below(pool.length), 1)[0]!);
}

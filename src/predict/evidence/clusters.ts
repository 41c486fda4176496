/** Most rounds of k-means. Ours. */
const MOST_ROUNDS = 20;

function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}

function smallest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! < values[best]!) best = i;
  return best;
}

function seedsOf(vectors: readonly Float32Array[], k: number): Float32Array[] {
  const mean = meanOf(vectors);
  const seeds = [vectors[smallest(vectors.map((vector) => squaredDistance(vector, mean)))]!];
  const nearest = Float64Array.from(vectors, (vector) => squaredDistance(vector, seeds[0]!));
  while (seeds.length < k) {
    const next = vectors[smallest(nearest.map((distance) => -distance))]!;
    seeds.push(next);
    for (const [i, vector] of vectors.entries()) nearest[i] = Math.min(nearest[i]!, squaredDistance(vector, next));
  }
  return seeds;
}

function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(vectors[0]!.length);
  for (const vector of vectors) for (let i = 0; i < mean.length; i++) mean[i]! += vector[i]! / vectors.length;
  return mean;
}

/** K-means without random draws. @param k most clusters @returns ascending indices nearest to each mean */
export function representatives(vectors: readonly Float32Array[], k: number): number[] {
  if (vectors.length <= k) return vectors.map((_, i) => i);
  let centres = seedsOf(vectors, k);
  let labels: number[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const before = labels;
    labels = vectors.map((vector) => smallest(centres.map((centre) => squaredDistance(vector, centre))));
    if (labels.every((label, i) => label === before[i])) break;
    centres = centres.map((centre, c) => {
      const members = vectors.filter((_, i) => labels[i] === c);
      return members.length === 0 ? centre : meanOf(members);
    });
  }
  const chosen = centres.flatMap((centre, c) => {
    const members = vectors.flatMap((_, i) => (labels[i] === c ? [i] : []));
    return members.length === 0 ? [] : [members[smallest(members.map((i) => squaredDistance(vectors[i]!, centre)))]!];
  });
  return chosen.sort((a, b) => a - b);
}

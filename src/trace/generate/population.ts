import { Random } from '../../base/random.js';
import type { ModelSpec } from '../../model/door.js';
import { inclusionByRank } from './popularity-shape.js';
import { atDepth, type RoutingProfile } from './routing-profile.js';

/** Expert popularity for synthetic routing. */
export interface Population {
  /** `[thread]`: inclusion probabilities of hidden threads, descending. */
  readonly common: Float64Array;
  /** `[layer][rank]`: inclusion probabilities, descending. */
  readonly inclusions: readonly Float64Array[];
  /** By domain, `[layer]`: experts by falling popularity. */
  readonly rankings: readonly (() => readonly Uint16Array[])[];
  /** By layer: expected share of a token's experts reused by the next token, 0 to 1. */
  readonly reuse: readonly number[];
}

/** Draws the popularity of a model's experts. */
export function populationOf({ layers }: ModelSpec, profile: RoutingProfile, seed: number): Population {
  const depth = layers.length;
  const widest = { experts: Math.max(...layers.map((layer) => layer.experts)), topK: Math.max(...layers.map((layer) => layer.topK)) };
  const random = new Random(seed, 'trace/synthetic/shape');
  const skews = layers.map((_, index) => atDepth(profile.skew, index, depth));
  const inclusions = layers.map((layer, index) =>
    inclusionByRank(layer.experts, layer.topK, possible(skews[index]! + profile.skewSpread * random.normal(), layer)),
  );
  const mean = skews.reduce((sum, skew) => sum + skew / depth, 0);
  const common = inclusionByRank(widest.experts, widest.topK, possible(mean, widest));
  const reuse = inclusions.map((inclusion, index) => {
    // Overlap of two unrelated tokens is the sum of squared inclusion probabilities.
    const chance = inclusion.reduce((sum, probability) => sum + probability * probability, 0) / layers[index]!.topK;
    return chance + atDepth(profile.reuse, index, depth) * (1 - chance);
  });
  return { common, inclusions, rankings: rankingsOf(inclusions, profile, random), reuse };
}

/**
 * Limits skew to 2 % below the largest Gini coefficient, 1 - topK / experts. Ours: 0.1 % and 10 % draw the same for
 * three models.
 */
const possible = (skew: number, { experts, topK }: { experts: number; topK: number }): number =>
  Math.min(Math.max(skew, 0), 0.98 * (1 - topK / experts));

function rankingsOf(
  inclusions: readonly Float64Array[],
  { domains, domainOverlap }: RoutingProfile,
  random: Random,
): (() => Uint16Array[])[] {
  const apart = Math.sqrt(1 - domainOverlap * domainOverlap);
  const keys: Float64Array[][] = Array.from({ length: domains }, () => []);
  for (const inclusion of inclusions) {
    const shared = inclusion.map(() => random.normal());
    for (const domain of keys) domain.push(shared.map((value) => domainOverlap * value + apart * random.normal()));
  }
  return keys.map((domain) => () => domain.map(orderBy));
}

/** Values by expert from values by rank. */
export function byExpert(byRank: Float64Array, ranking: Uint16Array): Float64Array {
  const values = new Float64Array(byRank.length);
  for (let rank = 0; rank < ranking.length; rank++) values[ranking[rank]!] = byRank[rank]!;
  return values;
}

const orderBy = (keys: Float64Array): Uint16Array => Uint16Array.from(keys, (_, i) => i).sort((a, b) => keys[a]! - keys[b]! || a - b);

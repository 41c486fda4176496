import { Random } from '../../base/random.js';
import type { ModelSpec } from '../../model/door.js';
import { inclusionByRank } from './popularity-shape.js';
import { atDepth, type RoutingProfile } from './routing-profile.js';

/** The popularity of experts that a routing draws from: every layer has one by rank, every domain ranks of its own. */
export interface Population {
  /** `[thread]`: inclusion probabilities of the hidden threads, most frequent first. */
  readonly common: Float64Array;
  /** `[layer][rank]`: inclusion probabilities, most popular first. */
  readonly inclusions: readonly Float64Array[];
  /** By domain, `[layer]`: experts from the most to the least popular. */
  readonly rankings: readonly (() => readonly Uint16Array[])[];
  /** By layer: expected share of a token's experts that the next token uses, 0 to 1. */
  readonly reuse: readonly number[];
}

/** Draws the popularity of a model's experts from the stream of its own. */
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
    // Two unrelated tokens share the sum of squared inclusion probabilities.
    const chance = inclusion.reduce((sum, probability) => sum + probability * probability, 0) / layers[index]!.topK;
    return chance + atDepth(profile.reuse, index, depth) * (1 - chance);
  });
  return { common, inclusions, rankings: rankingsOf(inclusions, profile, random), reuse };
}

/** Limits a skew to 2 % below the largest Gini coefficient, 1 - topK / experts. Ours: 0.1 % and 10 % draw the same for three models. */
const possible = (skew: number, { experts, topK }: { experts: number; topK: number }): number =>
  Math.min(Math.max(skew, 0), 0.98 * (1 - topK / experts));

/** By domain, `[layer]`: experts from the most to the least popular, sorted if they are needed. Domains differ in the ranks of experts. */
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

/** Converts values by rank to values by expert. */
export function byExpert(byRank: Float64Array, ranking: Uint16Array): Float64Array {
  const values = new Float64Array(byRank.length);
  for (let rank = 0; rank < ranking.length; rank++) values[ranking[rank]!] = byRank[rank]!;
  return values;
}

const orderBy = (keys: Float64Array): Uint16Array => Uint16Array.from(keys, (_, i) => i).sort((a, b) => keys[a]! - keys[b]! || a - b);

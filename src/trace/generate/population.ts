import { Random } from '../../base/random.js';
import { type ModelSpec, mostExperts, mostTopK } from '../../model/door.js';
import { KEPT } from './drift.js';
import { inclusionByRank } from './popularity-shape.js';
import { atDepth, type RoutingProfile } from './routing-profile.js';

/** Expert popularity for synthetic routing. */
export interface Population {
  /** `[thread]`: inclusion probabilities of hidden threads, descending. */
  readonly common: Float64Array;
  /** `[layer][rank]`: inclusion probabilities within a text, descending. */
  readonly inclusions: readonly Float64Array[];
  /** The same over many texts of a domain. */
  readonly lasting: () => readonly Float64Array[];
  /** By domain, `[layer]`: experts by falling popularity. */
  readonly rankings: readonly (() => readonly Uint16Array[])[];
  /** By layer: share of choices that repeat recent ones, 0 to 1. */
  readonly repeats: readonly number[];
}

/** Draws the popularity of a model's experts. */
export function populationOf({ layers }: ModelSpec, profile: RoutingProfile, seed: number): Population {
  const depth = layers.length;
  const widest = { experts: mostExperts({ layers }), topK: mostTopK({ layers }) };
  const random = new Random(seed, 'trace/synthetic/shape');
  // A load of Gini `skew` over many texts is steeper within one.
  const [gini, widened] = profile.skew === undefined ? [profile.gini, 1] : [profile.skew, 1 / Math.sqrt(KEPT)];
  const over = (value: number, layer: typeof widest, factor: number) =>
    inclusionByRank(layer.experts, layer.topK, possible(value, layer), factor);
  const ginis = layers.map((_, index) => atDepth(gini, index, depth));
  const apart = layers.map(() => profile.skewSpread * random.normal());
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value / depth, 0);
  // Less their mean: few layers have the mean that many have.
  const spread = ginis.map((value, index) => value + apart[index]! - mean(apart));
  const inclusions = layers.map((layer, index) => over(spread[index]!, layer, widened));
  const lasting = () => layers.map((layer, index) => over(spread[index]!, layer, widened * Math.sqrt(KEPT)));
  const common = over(mean(ginis), widest, widened);
  const repeats = inclusions.map((inclusion, index) => {
    if (profile.reuse === undefined) return atDepth(profile.repeat, index, depth);
    const unrelated = chanceOf(over(ginis[index]!, layers[index]!, 1));
    const reused = unrelated + atDepth(profile.reuse, index, depth) * (1 - unrelated);
    const chance = chanceOf(inclusion);
    return chance === 1 ? 0 : Math.max(0, (reused - chance) / (1 - chance));
  });
  return { common, inclusions, lasting, rankings: rankingsOf(inclusions, profile, random), repeats };
}

/** Overlap of two unrelated tokens: the sum of squared inclusion probabilities a choice. */
const chanceOf = (inclusion: Float64Array): number => {
  const choices = inclusion.reduce((sum, probability) => sum + probability, 0);
  return inclusion.reduce((sum, probability) => sum + probability * probability, 0) / choices;
};

/** At most 2 % below the largest, 1 - topK / experts. Ours: 0.1 % and 10 % draw the same for three models. */
const possible = (gini: number, { experts, topK }: { experts: number; topK: number }): number =>
  Math.min(Math.max(gini, 0), 0.98 * (1 - topK / experts));

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

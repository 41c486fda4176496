// Synthetic routing by token id: a word mostly has the same experts (OpenMoE, arXiv 2402.01739); words by Zipf's law.
import { Random } from '../../base/random.js';
import type { ModelSpec } from '../../model/door.js';
import { AliasTable, GuideTable, weightsFor } from './popularity-shape.js';
import { atDepth, type VocabularyProfile } from './routing-profile.js';

/**
 * Mandelbrot's offset of Zipf ranks: with 1, as in profiles/traces, the first id is a twentieth of the text; with 0, a
 * tenth.
 */
const OFFSET = 1;
/** Ids with paths drawn in sequence; rarer ids have little load. Ours. */
const FREQUENT = 256;
/** Draws from a table before the next free expert is taken. Ours. */
const TRIES = 16;
/** Minimum weight of an expert, so that a draw always succeeds. Ours. */
const LEAST = 1e-9;

/** Routing around a vocabulary. */
export interface VocabularyContext {
  /** `[domain][layer][expert]`: mean inclusion probabilities of a domain's paths. */
  readonly popularity: readonly (readonly Float64Array[])[];
  /** Share of a domain's tokens common to all domains, 0 to 1. */
  readonly overlap: number;
  readonly seed: number;
  /** Suffix of the token stream's name. */
  readonly part?: string;
}

/** Result of {@link openVocabulary}. */
export type Vocabulary = ReturnType<typeof openVocabulary>;

/** A path of experts per id. Ids: common words first, then domains' words in turn, by falling frequency. */
export function openVocabulary({ layers }: ModelSpec, { size, zipf, share }: VocabularyProfile, context: VocabularyContext) {
  const { popularity, overlap, seed, part = '' } = context;
  const random = new Random(seed, `trace/synthetic/words${part}`);
  const domains = popularity.length;
  const choices = layers.map((layer) => layer.topK);
  const topK = Math.max(...choices);
  /** Probability of following the id's path, by layer. */
  const shares = Float64Array.from(layers, (_, index) => atDepth(share, index, layers.length));
  const { common, frequencies } = ranksOf(size, zipf, domains, overlap);
  const ranks = new GuideTable(frequencies);
  /** `[layers, topK]` by id. */
  const paths = new Map<number, Uint16Array>();
  const domainOf = (id: number): number => (id < common ? -1 : (id - common) % domains);
  const drawPath = (id: number, draw: (layer: number, chosen: Uint16Array) => void): Uint16Array => {
    const path = new Uint16Array(choices.length * topK);
    choices.forEach((count, layer) => {
      draw(layer, path.subarray(layer * topK, layer * topK + count));
    });
    paths.set(id, path);
    return path;
  };
  // A frequent word's path takes from the remaining popularity, to overload no expert.
  const left = popularity.map((domain) => domain.map((weights) => Float64Array.from(weights)));
  const first = new Random(seed, 'trace/synthetic/paths');
  for (let id = 0; id < Math.min(FREQUENT, common + (frequencies.length - common) * domains); id++) {
    const domain = domainOf(id);
    const frequency = frequencies[domain < 0 ? id : common + Math.floor((id - common) / domains)]!;
    const users = domain < 0 ? left : [left[domain]!];
    drawPath(id, (layer, chosen) =>
      takeFrom(
        users.map((weights) => weights[layer]!),
        frequency,
        chosen,
        first,
      ),
    );
  }
  /** `[domain][layer]`, common words last: popularity left for rare ids. */
  const rare = [...left.map((domain) => [domain]), left].map((users) =>
    choices.map((count, layer) =>
      tableOf(
        users.map((domain) => domain[layer]!),
        count,
      ),
    ),
  );
  /** Path of a rare id, independent of the order of draws. */
  const drawRare = (id: number): Uint16Array => {
    const random = new Random(seed, `trace/synthetic/path/${id}`);
    return drawPath(id, (layer, chosen) => drawFrom(rare.at(domainOf(id))![layer]!, chosen, random));
  };
  let tokenId = 0;
  let path: Uint16Array = new Uint16Array(0);
  return {
    tokenId: (): number => tokenId,
    next(domain: number): void {
      const rank = ranks.at(random.next());
      tokenId = rank < common ? rank : common + (rank - common) * domains + domain;
      path = paths.get(tokenId) ?? drawRare(tokenId);
    },
    /** Expert of the token's k-th choice at a layer; -1 off the id's path. */
    choice: (layer: number, k: number): number => (random.next() < shares[layer]! ? path[layer * topK + k]! : -1),
  };
}

/** Frequencies by rank within a domain, sum 1, and number of common ranks. */
function ranksOf(size: number, zipf: number, domains: number, overlap: number): { common: number; frequencies: Float64Array } {
  const upTo = new Float64Array(size + 1);
  for (let rank = 0; rank < size; rank++) upTo[rank + 1] = upTo[rank]! + (rank + 1 + OFFSET) ** -zipf;
  const ranks = (common: number): number => common + Math.floor((size - common) / domains);
  let common = 0;
  // Fewer ids than domains: all are common.
  while (ranks(common) === 0 || upTo[common]! < overlap * upTo[ranks(common)]!) common++;
  const sum = upTo[ranks(common)]!;
  return { common, frequencies: Float64Array.from({ length: ranks(common) }, (_, rank) => (rank + 1 + OFFSET) ** -zipf / sum) };
}

function leastOf(left: readonly Float64Array[]): Float64Array {
  const least = new Float64Array(left[0]!.length).fill(Number.POSITIVE_INFINITY);
  for (const shares of left)
    for (let expert = 0; expert < least.length; expert++) least[expert] = Math.min(least[expert]!, shares[expert]!);
  return least.map((share) => Math.max(LEAST, share));
}

/** Draws distinct experts in proportion to remaining popularity, preferring experts with room. */
function takeFrom(left: readonly Float64Array[], frequency: number, chosen: Uint16Array, random: Random): void {
  const least = leastOf(left);
  for (let k = 0; k < chosen.length; k++) {
    let room = 0;
    for (const share of least) if (share >= frequency) room += share;
    let point = random.next() * room;
    let expert = least.findIndex((share) => share >= frequency && (point -= share) < 0);
    if (expert < 0) expert = least.indexOf(Math.max(...least));
    chosen[k] = expert;
    least[expert] = 0;
    for (const shares of left) shares[expert]! -= frequency;
  }
}

function tableOf(left: readonly Float64Array[], choices: number): AliasTable {
  const least = leastOf(left);
  const scale = choices / least.reduce((sum, share) => sum + share, 0);
  return new AliasTable(weightsFor(least.map((share) => share * scale)));
}

function drawFrom(table: AliasTable, chosen: Uint16Array, random: Random): void {
  for (let k = 0; k < chosen.length; k++) {
    const before = chosen.subarray(0, k);
    let expert = table.draw(random.next());
    for (let tries = 0; tries < TRIES && before.includes(expert); tries++) expert = table.draw(random.next());
    while (before.includes(expert)) expert = (expert + 1) % table.size;
    chosen[k] = expert;
  }
}

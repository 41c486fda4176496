// Synthetic routing: a token has as many hidden threads as choices, each with an expert per layer. A choice follows the
// token id, a thread, a recent token (tuned by a warm-up to the target reuse) or the domain.
import { Random } from '../../base/random.js';
import type { ModelSpec } from '../../model/door.js';
import { NULL_EXPERT } from '../trace.js';
import { AliasTable, GuideTable, weightsFor } from './popularity-shape.js';
import { byExpert, type Population, populationOf } from './population.js';
import { atDepth, type RoutingProfile } from './routing-profile.js';
import { openVocabulary, type Vocabulary } from './vocabulary.js';

/**
 * Warm-up tokens. Ours: half lowers reuse by up to 0.06 (three models, 2,000 tokens); a different seed changes reuse by
 * 0.015.
 */
const WARM_UP = 1024;
/** Entries of the lag table, a power of two. */
const LAG_CELLS = 1024;
/** Maximum draws from the popularity before the next free expert is taken. Ours. */
const TRIES = 16;
/** Stamps below 2^30 are machine words in V8. */
const LAST_STAMP = 0x3fffffff;

interface LayerDraws {
  /** Popularity of choices without a thread. */
  readonly popularity: AliasTable;
  /** Expert by thread: threads by frequency, experts by popularity. */
  readonly threads: Uint16Array;
}

/** By domain, `[layer]`. */
type DomainDraws = readonly (() => readonly LayerDraws[])[];

interface Start {
  readonly draws: DomainDraws;
  readonly remember: Float64Array;
  readonly threadShares: GuideTable;
  readonly threadMemory: number;
  readonly random: Random;
  readonly domainOf: Random;
}

/** Recent warm-ups: cells of a study repeat few routings. Vocabularies are too large to keep. */
const KNOWN = new Map<string, Start>();
/** Most remembered warm-ups. */
const MOST_KNOWN = 8;

/** Draws rows token by token. */
export class RoutingProcess {
  readonly topK: number;
  readonly #random: Random;
  readonly #domainOf: Random;
  readonly #layers: number;
  readonly #choices: Int32Array;
  readonly #experts: Int32Array;
  #draws: DomainDraws;
  #current: readonly LayerDraws[] = [];
  /** By layer: probability of following a thread; probability of remembering without a thread. */
  readonly #follow: Float64Array;
  readonly #remember: Float64Array;
  readonly #lags: Uint16Array;
  readonly #window: number;
  /** Ring of the last `window` rows `[layers, topK]`. */
  readonly #history: Uint16Array;
  readonly #threadShares: GuideTable;
  #threadMemory: number;
  /** Ring of the last `window` tokens' threads `[topK]`. */
  readonly #threads: Uint16Array;
  readonly #vocabulary: Vocabulary | null;
  readonly #seen: Int32Array;
  #stamp = 0;
  #domain = 0;
  #position = 0;

  /**
   * @param stream another name gives independent routing of the same popularity @param part suffix of all streams:
   * other requests
   */
  constructor(model: ModelSpec, profile: RoutingProfile, seed: number, stream = 'trace/synthetic/routing', part = '') {
    const { layers } = model;
    const depth = layers.length;
    this.topK = Math.max(...layers.map((layer) => layer.topK));
    this.#layers = depth;
    this.#choices = Int32Array.from(layers, (layer) => layer.topK);
    this.#experts = Int32Array.from(layers, (layer) => layer.experts);
    this.#seen = new Int32Array(Math.max(...this.#experts));
    this.#window = profile.memory.window;
    this.#lags = lagTable(profile.memory);
    this.#history = new Uint16Array(this.#window * depth * this.topK);
    this.#threads = new Uint16Array(this.#window * this.topK);
    this.#follow = Float64Array.from(layers, (_, index) => atDepth(profile.coherence, index, depth));
    const key = JSON.stringify([layers.map(({ experts, topK }) => [experts, topK]), profile, seed, stream, part]);
    const known = KNOWN.get(key);
    if (known !== undefined) {
      KNOWN.delete(key);
      KNOWN.set(key, known);
      this.#draws = known.draws;
      this.#remember = known.remember;
      this.#threadShares = known.threadShares;
      this.#threadMemory = known.threadMemory;
      this.#random = known.random.copy();
      this.#domainOf = known.domainOf.copy();
      this.#vocabulary = null;
      return;
    }
    this.#random = new Random(seed, stream + part);
    this.#domainOf = new Random(seed, `trace/synthetic/domain${part}`);
    this.#threadMemory = profile.threadMemory;
    const { common, inclusions, rankings, reuse } = populationOf(model, profile, seed);
    this.#threadShares = new GuideTable(common);
    this.#remember = new Float64Array(depth).fill(0.5);
    this.#vocabulary =
      profile.vocabulary === undefined
        ? null
        : openVocabulary(model, profile.vocabulary, {
            popularity: rankings.map((domain) => domain().map((ranking, layer) => byExpert(inclusions[layer]!, ranking))),
            overlap: profile.domainOverlap,
            seed,
            part,
          });
    this.#draws = this.#tables(inclusions, common, rankings);
    this.#tune(reuse, WARM_UP / 2);
    this.#draws = this.#tables(inclusions, common, rankings);
    this.#tune(reuse, WARM_UP / 2);
    if (this.#vocabulary === null) this.#keep(key);
  }

  /** Id of the last token; -1 without vocabulary. */
  get tokenId(): number {
    return this.#vocabulary?.tokenId() ?? -1;
  }

  /** Starts a request: empties the memory, draws a domain. */
  begin(): void {
    this.#position = 0;
    this.#domain = this.#domainOf.below(this.#draws.length);
    this.#current = this.#draws[this.#domain]!();
  }

  /** Writes the next row `[layers, topK]` to `ids` from `at`. */
  next(ids: Uint16Array, at: number): void {
    const { topK } = this;
    const row = this.#layers * topK;
    const draws = this.#current;
    this.#vocabulary?.next(this.#domain);
    this.#spin();
    for (let layer = 0; layer < this.#layers; layer++) {
      if (this.#stamp === LAST_STAMP) {
        this.#seen.fill(0);
        this.#stamp = 0;
      }
      this.#stamp++;
      this.#layer(layer, draws[layer]!, ids, at + layer * topK);
    }
    this.#history.set(ids.subarray(at, at + row), (this.#position % this.#window) * row);
    this.#position++;
  }

  /** Draws the next threads. The k-th stays in the k-th part of all threads, so repeats are rare. */
  #spin(): void {
    const random = this.#random;
    const row = (this.#position % this.#window) * this.topK;
    for (let k = 0; k < this.topK; k++) {
      const fresh = this.#position === 0 || random.next() >= this.#threadMemory;
      this.#threads[row + k] = fresh
        ? this.#threadShares.at((k + random.next()) / this.topK)
        : this.#threads[((this.#position - this.#lag(random.uint32())) % this.#window) * this.topK + k]!;
    }
  }

  #layer(layer: number, draws: LayerDraws, ids: Uint16Array, at: number): void {
    const random = this.#random;
    const vocabulary = this.#vocabulary;
    const seen = this.#seen;
    const stamp = this.#stamp;
    const choices = this.#choices[layer]!;
    const follow = this.#follow[layer]!;
    const remember = this.#position === 0 ? 0 : this.#remember[layer]!;
    const row = (this.#position % this.#window) * this.topK;
    // A layer with fewer choices follows random threads.
    let thread = choices === this.topK ? 0 : random.below(this.topK);
    let chosen = 0;
    for (let k = 0; k < choices; k++, thread++) {
      let expert = vocabulary === null ? -1 : vocabulary.choice(layer, k);
      if (expert < 0) {
        if (random.next() >= follow) continue;
        expert = draws.threads[this.#threads[row + (thread % this.topK)]!]!;
      }
      if (seen[expert] === stamp) continue;
      seen[expert] = stamp;
      ids[at + chosen++] = expert;
    }
    for (; chosen < choices; chosen++) {
      let expert = random.next() < remember ? this.#remembered(layer, choices) : -1;
      if (expert < 0) expert = this.#popular(layer, draws.popularity);
      seen[expert] = stamp;
      ids[at + chosen] = expert;
    }
    for (let k = choices; k < this.topK; k++) ids[at + k] = NULL_EXPERT;
  }

  #remembered(layer: number, choices: number): number {
    const draw = this.#random.uint32();
    const from = (((this.#position - this.#lag(draw)) % this.#window) * this.#layers + layer) * this.topK;
    let k = (draw >>> 20) % choices;
    for (let tries = 0; tries < choices; tries++) {
      const expert = this.#history[from + k]!;
      if (this.#seen[expert] !== this.#stamp) return expert;
      if (++k === choices) k = 0;
    }
    return -1;
  }

  #popular(layer: number, popularity: AliasTable): number {
    let expert = popularity.draw(this.#random.next());
    for (let tries = 0; tries < TRIES && this.#seen[expert] === this.#stamp; tries++) expert = popularity.draw(this.#random.next());
    while (this.#seen[expert] === this.#stamp) expert = (expert + 1) % this.#experts[layer]!;
    return expert;
  }

  #lag(draw: number): number {
    const lag = this.#lags[draw & (LAG_CELLS - 1)]!;
    return lag > this.#position ? 1 + ((draw >>> 10) % this.#position) : lag;
  }

  #keep(key: string): void {
    KNOWN.set(key, {
      draws: this.#draws,
      remember: this.#remember,
      threadShares: this.#threadShares,
      threadMemory: this.#threadMemory,
      random: this.#random.copy(),
      domainOf: this.#domainOf.copy(),
    });
    if (KNOWN.size > MOST_KNOWN) KNOWN.delete(KNOWN.keys().next().value!);
  }

  #tables(inclusions: readonly Float64Array[], common: Float64Array, rankings: Population['rankings']): DomainDraws {
    const shapes = inclusions.map((inclusion, layer) => {
      const rankOf = Uint16Array.from(common, (_, thread) => Math.floor((thread * inclusion.length) / common.length));
      return { rankOf, rest: restOf(inclusion, common, rankOf, this.#follow[layer]!, this.#remember[layer]!) };
    });
    return rankings.map((ranked) => {
      let made: LayerDraws[] | undefined;
      return () =>
        (made ??= ranked().map((ranking, layer) => {
          const { rankOf, rest } = shapes[layer]!;
          return { popularity: new AliasTable(weightsFor(byExpert(rest, ranking))), threads: rankOf.map((rank) => ranking[rank]!) };
        }));
    });
  }

  /**
   * Tunes remember probabilities to each layer's reuse@1 by stochastic approximation (Robbins and Monro, 1951); if
   * threads alone exceed the target, threads recur less. Gains are ours: a step of 2 / (t + 20), larger if memory
   * decides few choices. 1 or 4 instead of 2 and 5 or 80 instead of 20 change reuse by at most 0.05, 0.5 instead of the
   * 0.2 below by 0.07.
   */
  #tune(reuse: readonly number[], tokens: number): void {
    const { topK } = this;
    const experts = this.#seen.length;
    const ids = new Uint16Array(this.#layers * topK);
    const usedAt = new Int32Array(this.#layers * experts).fill(-2);
    this.begin();
    const mostMemory = this.#threadMemory;
    for (let token = 0; token < tokens; token++) {
      this.next(ids, 0);
      let lacking = 0;
      let forgetful = 0;
      for (let layer = 0; layer < this.#layers; layer++) {
        const choices = this.#choices[layer]!;
        let shared = 0;
        for (let k = 0; k < choices; k++) {
          const dense = layer * experts + ids[layer * topK + k]!;
          if (usedAt[dense] === token - 1) shared++;
          usedAt[dense] = token;
        }
        if (token === 0) continue;
        const lack = reuse[layer]! - shared / choices;
        const gain = 2 / ((token + 20) * Math.max(0.2, 1 - this.#follow[layer]!));
        if (this.#remember[layer] === 0) {
          lacking += lack;
          forgetful++;
        }
        this.#remember[layer] = Math.min(Math.max(this.#remember[layer]! + gain * lack, 0), 1);
      }
      if (forgetful * 2 <= this.#layers) continue;
      this.#threadMemory = Math.min(Math.max(this.#threadMemory + (4 / (token + 20)) * (lacking / forgetful), 0), mostMemory);
    }
  }
}

/** Inclusion of fresh draws by rank: whole = f threads + (1 - f) (r whole + (1 - r) fresh), f follow, r remember. */
function restOf(whole: Float64Array, common: Float64Array, rankOf: Uint16Array, follow: number, remember: number): Float64Array {
  const choices = whole.reduce((sum, probability) => sum + probability, 0);
  const threads = new Float64Array(whole.length);
  rankOf.forEach((rank, thread) => {
    threads[rank]! += common[thread]!;
  });
  const scale = choices / threads.reduce((sum, probability) => sum + probability, 0);
  const fresh = whole.map((value, rank) => {
    const left = value * (1 - (1 - follow) * remember) - follow * scale * threads[rank]!;
    // Threads alone may exceed a rank's inclusion; 2 % is left for choices of taken threads. Ours: 0.01, 10 % change
    // reuse by 0.024.
    return Math.max(left, 0.02 * value);
  });
  const sum = fresh.reduce((total, value) => total + value, 0);
  return fresh.map((value) => (value * choices * (1 - follow)) / sum);
}

/** Lags 1 to `window`, in proportion to d^-exponent. */
function lagTable({ exponent, window }: RoutingProfile['memory']): Uint16Array {
  const weights = Array.from({ length: window }, (_, i) => (i + 1) ** -exponent);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const table = new Uint16Array(LAG_CELLS);
  let lag = 0;
  let reached = weights[0]! / sum;
  for (let cell = 0; cell < LAG_CELLS; cell++) {
    while (lag < window - 1 && (cell + 0.5) / LAG_CELLS > reached) reached += weights[++lag]! / sum;
    table[cell] = lag + 1;
  }
  return table;
}

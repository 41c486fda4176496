// Synthetic routing: a token has as many hidden threads as choices, each with an expert per layer. A choice follows the
// token id, a thread, a recent token, or the text's load of experts.
import { Random } from '../../base/random.js';
import { type ModelSpec, mostTopK } from '../../model/door.js';
import { NULL_EXPERT } from '../trace.js';
import { Drift } from './drift.js';
import { AliasTable, GuideTable, weightsFor } from './popularity-shape.js';
import { byExpert, type Population, populationOf } from './population.js';
import { atDepth, type RoutingProfile } from './routing-profile.js';
import { openVocabulary, type Vocabulary } from './vocabulary.js';

/** Entries of the lag table, a power of two. */
const LAG_CELLS = 1024;
/** Maximum draws from the load before the next free expert is taken. Ours. */
const TRIES = 16;
/** Stamps below 2^30 are machine words in V8. */
const LAST_STAMP = 0x3fffffff;

/** Draws of a layer, by load rank. */
interface LayerDraws {
  /** Load of choices without a thread, by rank. */
  readonly load: AliasTable;
  /** Rank by thread: threads by frequency, experts by load. */
  readonly rankOf: Uint16Array;
  /** Probability of following a thread. */
  readonly follow: number;
  /** Probability of a recent choice, without a thread. */
  readonly remember: number;
}

interface Draws extends Pick<Population, 'rankings'> {
  readonly layers: readonly LayerDraws[];
  readonly threadShares: GuideTable;
  /** Probability that a thread comes from a recent token. */
  readonly threadMemory: number;
}

/** Recent draws: cells of a study repeat few routings. */
const KNOWN = new Map<string, Draws>();
/** Most remembered draws. */
const MOST_KNOWN = 8;

/** Draws rows token by token. */
export class RoutingProcess {
  readonly topK: number;
  readonly #random: Random;
  readonly #domainOf: Random;
  readonly #layers: number;
  readonly #choices: Int32Array;
  readonly #experts: Int32Array;
  readonly #draws: Draws;
  readonly #drift: Drift;
  /** `[layer]`: experts by falling load across texts of the domain. */
  #ranking: readonly Uint16Array[] = [];
  readonly #lags: Uint16Array;
  readonly #window: number;
  /** Ring of the last `window` rows `[layers, topK]`. */
  readonly #history: Uint16Array;
  /** Ring of the last `window` tokens' threads `[topK]`. */
  readonly #threads: Uint16Array;
  readonly #vocabulary: Vocabulary | null;
  readonly #seen: Int32Array;
  #stamp = 0;
  #domain = 0;
  #position = 0;

  /** @param stream gives independent routing of the same popularity @param part suffix: other requests */
  constructor(model: ModelSpec, profile: RoutingProfile, seed: number, stream = 'trace/synthetic/routing', part = '') {
    const { layers } = model;
    const depth = layers.length;
    this.topK = mostTopK({ layers });
    this.#layers = depth;
    this.#choices = Int32Array.from(layers, (layer) => layer.topK);
    this.#experts = Int32Array.from(layers, (layer) => layer.experts);
    this.#seen = new Int32Array(Math.max(...this.#experts));
    this.#window = profile.memory.window;
    this.#lags = lagTable(profile.memory);
    this.#history = new Uint16Array(this.#window * depth * this.topK);
    this.#threads = new Uint16Array(this.#window * this.topK);
    this.#random = new Random(seed, stream + part);
    this.#domainOf = new Random(seed, `trace/synthetic/domain${part}`);
    this.#drift = new Drift([...new Set(this.#experts)], new Random(seed, `${stream}/drift${part}`));
    const key = JSON.stringify([layers.map(({ experts, topK }) => [experts, topK]), profile, seed]);
    const known = KNOWN.get(key);
    KNOWN.delete(key);
    const population = known === undefined || profile.vocabulary !== undefined ? populationOf(model, profile, seed) : null;
    this.#draws = known ?? drawsOf(model, profile, population!);
    KNOWN.set(key, this.#draws);
    if (KNOWN.size > MOST_KNOWN) KNOWN.delete(KNOWN.keys().next().value!);
    const lasting = profile.vocabulary === undefined ? [] : population!.lasting();
    this.#vocabulary =
      profile.vocabulary === undefined
        ? null
        : openVocabulary(model, profile.vocabulary, {
            popularity: population!.rankings.map((domain) => domain().map((ranking, layer) => byExpert(lasting[layer]!, ranking))),
            overlap: profile.domainOverlap,
            seed,
            part,
          });
  }

  /** Id of the last token; -1 without vocabulary. */
  get tokenId(): number {
    return this.#vocabulary?.tokenId() ?? -1;
  }

  /** Starts a request: empties the memory, draws a domain and a load. */
  begin(): void {
    this.#position = 0;
    this.#domain = this.#domainOf.below(this.#draws.rankings.length);
    this.#ranking = this.#draws.rankings[this.#domain]!();
    this.#drift.begin();
  }

  /** Writes the next row `[layers, topK]` to `ids` from `at`. */
  next(ids: Uint16Array, at: number): void {
    const { topK } = this;
    const row = this.#layers * topK;
    this.#vocabulary?.next(this.#domain);
    this.#drift.next();
    this.#spin();
    for (let layer = 0; layer < this.#layers; layer++) {
      if (this.#stamp === LAST_STAMP) {
        this.#seen.fill(0);
        this.#stamp = 0;
      }
      this.#stamp++;
      this.#layer(layer, ids, at + layer * topK);
    }
    this.#history.set(ids.subarray(at, at + row), (this.#position % this.#window) * row);
    this.#position++;
  }

  /** Draws the next threads. The k-th stays in the k-th part of all threads, so collisions are rare. */
  #spin(): void {
    const random = this.#random;
    const { threadMemory, threadShares } = this.#draws;
    const order = this.#drift.order(this.#seen.length);
    const row = (this.#position % this.#window) * this.topK;
    for (let k = 0; k < this.topK; k++) {
      const fresh = this.#position === 0 || random.next() >= threadMemory;
      this.#threads[row + k] = fresh
        ? order[threadShares.at((k + random.next()) / this.topK)]!
        : this.#threads[((this.#position - this.#lag(random.uint32())) % this.#window) * this.topK + k]!;
    }
  }

  #layer(layer: number, ids: Uint16Array, at: number): void {
    const random = this.#random;
    const vocabulary = this.#vocabulary;
    const seen = this.#seen;
    const stamp = this.#stamp;
    const choices = this.#choices[layer]!;
    const draws = this.#draws.layers[layer]!;
    const ranking = this.#ranking[layer]!;
    const { follow } = draws;
    const remember = this.#position === 0 ? 0 : draws.remember;
    const row = (this.#position % this.#window) * this.topK;
    // A layer with fewer choices follows random threads.
    let thread = choices === this.topK ? 0 : random.below(this.topK);
    let chosen = 0;
    for (let k = 0; k < choices; k++, thread++) {
      let expert = vocabulary === null ? -1 : vocabulary.choice(layer, k);
      if (expert < 0) {
        if (random.next() >= follow) continue;
        expert = ranking[draws.rankOf[this.#threads[row + (thread % this.topK)]!]!]!;
      }
      if (seen[expert] === stamp) continue;
      seen[expert] = stamp;
      ids[at + chosen++] = expert;
    }
    const order = this.#drift.order(ranking.length);
    for (; chosen < choices; chosen++) {
      let expert = random.next() < remember ? this.#remembered(layer, choices) : -1;
      if (expert < 0) expert = this.#loaded(layer, draws.load, order, ranking);
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

  #loaded(layer: number, load: AliasTable, order: Uint16Array, ranking: Uint16Array): number {
    let expert = ranking[order[load.draw(this.#random.next())]!]!;
    for (let tries = 0; tries < TRIES && this.#seen[expert] === this.#stamp; tries++)
      expert = ranking[order[load.draw(this.#random.next())]!]!;
    while (this.#seen[expert] === this.#stamp) expert = (expert + 1) % this.#experts[layer]!;
    return expert;
  }

  #lag(draw: number): number {
    const lag = this.#lags[draw & (LAG_CELLS - 1)]!;
    return lag > this.#position ? 1 + ((draw >>> 10) % this.#position) : lag;
  }
}

/** Draws with the repeats of a population, through threads and without. */
function drawsOf({ layers }: ModelSpec, profile: RoutingProfile, { common, inclusions, rankings, repeats }: Population): Draws {
  const follows = layers.map((_, layer) => atDepth(profile.coherence, layer, layers.length));
  const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
  // A thread's repeat is one of a layer that follows it now (f) and followed it then (f again).
  const threadMemory = Math.min(1, total(repeats) / Math.max(total(follows), 1e-9));
  const drawn = inclusions.map((inclusion, layer) => {
    const follow = follows[layer]!;
    const remember = follow === 1 ? 0 : Math.min(Math.max((repeats[layer]! - follow * follow * threadMemory) / (1 - follow), 0), 1);
    const rankOf = Uint16Array.from(common, (_, thread) => Math.floor((thread * inclusion.length) / common.length));
    const rest = restOf(inclusion, common, rankOf, follow, remember);
    return { load: new AliasTable(weightsFor(rest)), rankOf, follow, remember };
  });
  return { layers: drawn, rankings, threadShares: new GuideTable(common), threadMemory };
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
    // Threads may exceed a rank's inclusion; 2 % is left for choices of taken threads. Ours: 0.01, 10 % change reuse by
    // 0.024.
    return Math.max(left, 0.02 * value);
  });
  const sum = fresh.reduce((total, value) => total + value, 0);
  // A fresh draw has the rank only if no thread has it.
  return fresh.map((value, rank) => Math.min((value * choices * (1 - follow)) / sum / (1 - follow * scale * threads[rank]! + 1e-9), 1));
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

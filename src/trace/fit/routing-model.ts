/** Upper ends of age classes, tokens since the last use; a last class holds older experts. Ours. */
const AGE_ENDS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128, 256] as const;
/** Number of age classes. */
export const AGES = AGE_ENDS.length + 1;
/** Time constants of running rates, tokens: a sum of exponentials approximates a heavy-tailed memory. */
export const MEMORIES = [8, 64, 512] as const;
/** Prior weight of popularity in a running rate: experts without recent use stay possible. Ours. */
const PRIOR = 0.05;

const CLASS_OF = Uint8Array.from({ length: AGE_ENDS.at(-1)! + 1 }, (_, age) => AGE_ENDS.findIndex((end) => age <= end));

/** Log-linear routing model of a layer: popularity, recency, frequency, previous layer. */
export interface LayerModel {
  readonly experts: number;
  readonly choices: number;
  readonly popularity: Float64Array;
  /** Prior score, about the log popularity. */
  readonly bias: Float64Array;
  readonly ages: Float64Array;
  /** Weight of the log rate of use over {@link MEMORIES}, relative to popularity. */
  readonly memories: Float64Array;
  /** `[experts before, experts]`: log likelihood ratios given the previous layer; null in layer 0. */
  readonly follows: Float32Array | null;
  /** Weight of the mean of {@link follows} over the previous layer's choices. */
  followWeight: number;
}

/** Running state of a layer over the rows. */
export class LayerMemory {
  readonly #model: LayerModel;
  /** Clock of the last use, far in the past at first. */
  readonly #usedAt: Int32Array;
  /** `[memory][expert]` */
  readonly #rates: Float64Array;
  readonly #decays: readonly number[];
  /** 1 / (popularity (1 + prior)), and the prior's rate in the same units. */
  readonly #scale: Float64Array;
  /** Of the current token: age class, log rates `[memory][expert]`, log-odds by previous layer. */
  readonly ageClass: Uint8Array;
  readonly logRates: Float64Array;
  readonly following: Float64Array;
  readonly scores: Float64Array;

  constructor(model: LayerModel) {
    const { experts, popularity } = model;
    this.#model = model;
    this.#usedAt = new Int32Array(experts).fill(-1e6);
    this.#decays = MEMORIES.map((tokens) => Math.exp(-1 / tokens));
    this.#rates = new Float64Array(MEMORIES.length * experts);
    for (let m = 0; m < MEMORIES.length; m++) this.#rates.set(popularity, m * experts);
    this.#scale = popularity.map((p) => 1 / (p * (1 + PRIOR)));
    this.ageClass = new Uint8Array(experts);
    this.logRates = new Float64Array(MEMORIES.length * experts);
    this.following = new Float64Array(experts);
    this.scores = new Float64Array(experts);
  }

  /** Scores the experts at `clock`. @param ids `count` choices at the previous layer, from `from` */
  score(clock: number, ids: Uint16Array, from: number, count: number): void {
    const { ages, bias, experts, follows, followWeight, memories } = this.#model;
    const { ageClass, following, logRates, scores } = this;
    const scale = this.#scale;
    const usedAt = this.#usedAt;
    following.fill(0);
    if (follows !== null && count > 0) {
      for (let k = from; k < from + count; k++) {
        const row = ids[k]! * experts;
        for (let e = 0; e < experts; e++) following[e]! += follows[row + e]!;
      }
      for (let e = 0; e < experts; e++) following[e]! /= count;
    }
    for (let e = 0; e < experts; e++) {
      const age = clock - usedAt[e]!;
      const group = age < CLASS_OF.length ? CLASS_OF[age]! : AGES - 1;
      ageClass[e] = group;
      scores[e] = bias[e]! + ages[group]! + followWeight * following[e]!;
    }
    for (let m = 0; m < MEMORIES.length; m++) {
      const weight = memories[m]!;
      const base = m * experts;
      for (let e = 0; e < experts; e++) {
        const log = logOf(this.#rates[base + e]! * scale[e]! + PRIOR / (1 + PRIOR));
        logRates[base + e] = log;
        scores[e]! += weight * log;
      }
    }
  }

  /** Remembers the choices at `clock`. */
  use(clock: number, ids: Uint16Array, from: number, count: number): void {
    const { experts } = this.#model;
    for (let m = 0; m < MEMORIES.length; m++) {
      const decay = this.#decays[m]!;
      const base = m * experts;
      for (let e = 0; e < experts; e++) this.#rates[base + e]! *= decay;
      for (let k = from; k < from + count; k++) this.#rates[base + ids[k]!]! += 1 - decay;
    }
    for (let k = from; k < from + count; k++) this.#usedAt[ids[k]!] = clock;
  }
}

/** Clock advance at a request's start, in tokens: earlier uses belong to another text. Ours. */
export const REQUEST_GAP = 32;

const FLOAT = new Float32Array(1);
const BITS = new Int32Array(FLOAT.buffer);
/** Log of the mantissa by its 11 leading bits. */
const MANTISSA = Float64Array.from({ length: 2048 }, (_, i) => Math.log(1 + (i + 0.5) / 2048));

/** Logarithm of a positive number to 2.5e-4, from exponent and leading bits of its float. */
function logOf(value: number): number {
  FLOAT[0] = value;
  const bits = BITS[0]!;
  return ((bits >> 23) - 127) * Math.LN2 + MANTISSA[(bits >> 12) & 2047]!;
}

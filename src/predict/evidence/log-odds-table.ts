import { fastLog } from '../../base/log-odds.js';
import { NULL_EXPERT } from '../../trace/trace.js';

/**
 * Log-odds are steps of 1 / STEPS in 16-bit lanes of value + BIAS, two per word; sums of SWEEP lanes stay below 2^16.
 */
const STEPS = 64;
/** Lane value of log-odds 0, steps. */
const BIAS = 4096;
/** Most summed lanes. */
const SWEEP = 8;

/** Largest count of a source (16 bits). */
const FULL = 0xffff;

/**
 * Pseudo-tokens of a pair by chance. Ours: one layer ahead, 1 costs `transition` 0.1 to 0.5 points of recall, 4 gains
 * 0.1 to 0.4 (evidence.ts).
 */
const SMOOTHING = 2;

/** Naive Bayes over pairs (source expert, target expert) of a token. */
export class LogOddsTable {
  readonly #targets: number;
  /** `[sources, targets]` tokens with the pair; halved at the limit, so old tokens fade. */
  readonly #pairs: Uint16Array;
  /** `[sources, words]` log P(source | target) / P(source | not target) at the last renewal. */
  readonly #rows: Int32Array;
  readonly #words: number;
  readonly #starts = new Int32Array(SWEEP);
  readonly #sourceUsed: Uint32Array;
  readonly #targetUsed: Uint32Array;
  #tokens = 0;
  readonly #dueAt: Uint32Array;

  constructor(sources: number, targets: number) {
    this.#targets = targets;
    this.#pairs = new Uint16Array(sources * targets);
    this.#words = Math.ceil(targets / 2);
    this.#rows = new Int32Array(sources * this.#words).fill(BIAS | (BIAS << 16));
    this.#sourceUsed = new Uint32Array(sources);
    this.#targetUsed = new Uint32Array(targets);
    this.#dueAt = new Uint32Array(sources).fill(1);
  }

  /** Counts a token. @param from first of `topK` source experts @param to first of `topK` targets */
  learn(sources: Uint16Array, from: number, targets: Uint16Array, to: number, topK: number): void {
    const pairs = this.#pairs;
    for (let i = from; i < from + topK; i++) {
      const source = sources[i]!;
      if (source === NULL_EXPERT) continue;
      if ((this.#sourceUsed[source]! += 1) === FULL) this.#halve();
      const base = source * this.#targets;
      for (let j = to; j < to + topK; j++) if (targets[j] !== NULL_EXPERT) pairs[base + targets[j]!]! += 1;
    }
    for (let j = to; j < to + topK; j++) if (targets[j] !== NULL_EXPERT) this.#targetUsed[targets[j]!]! += 1;
    this.#tokens++;
  }

  #halve(): void {
    for (const counts of [this.#pairs, this.#sourceUsed, this.#targetUsed, this.#dueAt]) {
      for (let i = 0; i < counts.length; i++) counts[i] = counts[i]! >> 1;
    }
    this.#tokens = Math.ceil(this.#tokens / 2);
  }

  /** Adds `weight` times the summed log-odds of a token's sources to `into[0 .. targets)`. */
  add(sources: Uint16Array, from: number, topK: number, weight: number, into: Float64Array): void {
    const starts = this.#starts;
    let found = 0;
    for (let i = from; i < from + topK; i++) {
      const source = sources[i]!;
      if (source === NULL_EXPERT) continue;
      if (this.#sourceUsed[source]! >= this.#dueAt[source]!) this.#renew(source);
      starts[found++] = source * this.#words;
      if (found < SWEEP) continue;
      this.#sumEight(weight / STEPS, into);
      found = 0;
    }
    if (found > 0) this.#sumFew(found, weight / STEPS, into);
  }

  #sumEight(weight: number, into: Float64Array): void {
    const rows = this.#rows;
    const [a, b, c, d] = [this.#starts[0]!, this.#starts[1]!, this.#starts[2]!, this.#starts[3]!];
    const [e, f, g, h] = [this.#starts[4]!, this.#starts[5]!, this.#starts[6]!, this.#starts[7]!];
    const pairs = this.#targets >> 1;
    for (let w = 0; w < pairs; w++) {
      const sum =
        (((rows[a + w]! + rows[b + w]!) | 0) +
          ((rows[c + w]! + rows[d + w]!) | 0) +
          (((rows[e + w]! + rows[f + w]!) | 0) + ((rows[g + w]! + rows[h + w]!) | 0))) |
        0;
      into[2 * w]! += weight * ((sum & 0xffff) - SWEEP * BIAS);
      into[2 * w + 1]! += weight * ((sum >>> 16) - SWEEP * BIAS);
    }
    if (this.#targets % 2 === 1) this.#sumLast(SWEEP, weight, into);
  }

  #sumFew(count: number, weight: number, into: Float64Array): void {
    const rows = this.#rows;
    const pairs = this.#targets >> 1;
    for (let w = 0; w < pairs; w++) {
      let sum = 0;
      for (let k = 0; k < count; k++) sum = (sum + rows[this.#starts[k]! + w]!) | 0;
      into[2 * w]! += weight * ((sum & 0xffff) - count * BIAS);
      into[2 * w + 1]! += weight * ((sum >>> 16) - count * BIAS);
    }
    if (this.#targets % 2 === 1) this.#sumLast(count, weight, into);
  }

  #sumLast(count: number, weight: number, into: Float64Array): void {
    let sum = 0;
    for (let k = 0; k < count; k++) sum += (this.#rows[this.#starts[k]! + this.#words - 1]! & 0xffff) - BIAS;
    into[this.#targets - 1]! += weight * sum;
  }

  /**
   * With a = SMOOTHING and p = P(source): log (both + a p) / (target + a) - log (source - both + a p) / (tokens -
   * target + a).
   */
  #renew(source: number): void {
    const pairs = this.#pairs;
    const rows = this.#rows;
    const targetUsed = this.#targetUsed;
    const targets = this.#targets;
    const tokens = this.#tokens;
    const used = this.#sourceUsed[source]!;
    const chance = (SMOOTHING * used) / tokens;
    const base = source * targets;
    const row = source * this.#words;
    for (let e = 0; e < targets; e++) {
      const both = pairs[base + e]!;
      const target = targetUsed[e]!;
      const withTarget = (both + chance) * (tokens - target + SMOOTHING);
      const withoutTarget = (used - both + chance) * (target + SMOOTHING);
      // An integer is clamped faster than a double.
      const steps = Math.round(STEPS * fastLog(withTarget / withoutTarget)) | 0;
      const lane = BIAS + Math.max(-BIAS, Math.min(BIAS - 1, steps));
      const word = row + (e >> 1);
      rows[word] = e % 2 === 0 ? (rows[word]! & ~0xffff) | lane : (rows[word]! & 0xffff) | (lane << 16);
    }
    this.#dueAt[source] = used + 1 + (used >> 1);
  }
}

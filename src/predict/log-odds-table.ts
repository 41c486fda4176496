// Naive Bayes between two sets of experts: how much the use of a source expert speaks for each target expert. Counts of pairs are
// cheap to keep; the log-odds that predictions add up are renewed row by row, only as often as the counts have grown.
import { NULL_EXPERT } from '../trace/trace.js';
import { fastLog } from './fast-log.js';

/** Pseudo-tokens at which a pair is as frequent as chance: what was never seen says nothing. */
const SMOOTHING = 2;

/** Pairs (source expert, target expert) that one token used. */
export class LogOddsTable {
  readonly #targets: number;
  /** `[sources, targets]` tokens that used both. */
  readonly #pairs: Uint32Array;
  /** `[sources, targets]` log P(source | target) / P(source | not target), as of the row's last renewal. */
  readonly #rows: Float32Array;
  readonly #sourceUsed: Uint32Array;
  readonly #targetUsed: Uint32Array;
  #tokens = 0;
  /** Uses of each source at which its row is renewed. */
  readonly #dueAt: Uint32Array;

  constructor(sources: number, targets: number) {
    this.#targets = targets;
    this.#pairs = new Uint32Array(sources * targets);
    this.#rows = new Float32Array(sources * targets);
    this.#sourceUsed = new Uint32Array(sources);
    this.#targetUsed = new Uint32Array(targets);
    this.#dueAt = new Uint32Array(sources).fill(1);
  }

  /**
   * Counts one token.
   * @param from its source experts: `sources[from .. from + topK)`, NULL_EXPERT = none
   * @param to its target experts: `targets[to .. to + topK)`
   */
  learn(sources: Uint16Array, from: number, targets: Uint16Array, to: number, topK: number): void {
    const pairs = this.#pairs;
    for (let i = from; i < from + topK; i++) {
      const source = sources[i]!;
      if (source === NULL_EXPERT) continue;
      this.#sourceUsed[source]! += 1;
      const base = source * this.#targets;
      for (let j = to; j < to + topK; j++) if (targets[j] !== NULL_EXPERT) pairs[base + targets[j]!]! += 1;
    }
    for (let j = to; j < to + topK; j++) if (targets[j] !== NULL_EXPERT) this.#targetUsed[targets[j]!]! += 1;
    this.#tokens++;
  }

  /** Adds `weight` times the summed log-odds of a token's source experts to `into[0 .. targets)`. */
  add(sources: Uint16Array, from: number, topK: number, weight: number, into: Float64Array): void {
    const rows = this.#rows;
    const targets = this.#targets;
    const end = from + topK;
    // Four rows a sweep: a quarter of the loads and stores of the sum.
    let i = from;
    while (i < end) {
      const a = this.#row(sources, i++, end);
      const b = this.#row(sources, i++, end);
      const c = this.#row(sources, i++, end);
      const d = this.#row(sources, i++, end);
      if ((a | b | c | d) < 0) {
        this.#addOne(a, weight, into);
        this.#addOne(b, weight, into);
        this.#addOne(c, weight, into);
        this.#addOne(d, weight, into);
      } else {
        for (let e = 0; e < targets; e++) into[e]! += weight * (rows[a + e]! + rows[b + e]! + (rows[c + e]! + rows[d + e]!));
      }
    }
  }

  #addOne(start: number, weight: number, into: Float64Array): void {
    if (start < 0) return;
    const rows = this.#rows;
    for (let e = 0; e < this.#targets; e++) into[e]! += weight * rows[start + e]!;
  }

  /** Start of the row of the source expert at `i`, renewed if due; -1: there is none. */
  #row(sources: Uint16Array, i: number, end: number): number {
    if (i >= end || sources[i] === NULL_EXPERT) return -1;
    const source = sources[i]!;
    if (this.#sourceUsed[source]! >= this.#dueAt[source]!) this.#renew(source);
    return source * this.#targets;
  }

  /** With a = SMOOTHING and p = P(source): log (both + a p) / (target + a) - log (source - both + a p) / (tokens - target + a). */
  #renew(source: number): void {
    const used = this.#sourceUsed[source]!;
    const chance = (SMOOTHING * used) / this.#tokens;
    const base = source * this.#targets;
    for (let e = 0; e < this.#targets; e++) {
      const both = this.#pairs[base + e]!;
      const target = this.#targetUsed[e]!;
      this.#rows[base + e] =
        fastLog((both + chance) / (target + SMOOTHING)) - fastLog((used - both + chance) / (this.#tokens - target + SMOOTHING));
    }
    this.#dueAt[source] = used + 1 + (used >> 1);
  }
}

import { LogisticFit } from '../../base/logistic-fit.js';
import { formatCount } from '../../base/units.js';
import type { Warning } from '../../result/result.js';
import type { Pass } from '../../schedule/door.js';
import type { Evidence } from '../evidence.js';

/** Share that a judged layer leaves of those before it (about the last 100 count), fewest of them, and standard errors of a gain. Ours, as is usual. */
const [FADING, LEAST, ERRORS] = [0.99, 16, 2];
/** Judged layers after which a network without a gain is off: 300 tokens of a run after earlier text. Ours. */
const PATIENCE = 512;

/** A network with the tables of a mixture (stacked generalization, Wolpert, Neural Networks 5, 1992), if at a distance it beats them alone. */
export class Stacked {
  readonly evidence: Evidence;
  /** True: its answer is in the last prediction. */
  spoke = false;
  /** By distance: fits of the tables and of both; decayed sums of 1, the gain in squared error and its square; and whether there is one. */
  readonly #trials: readonly { tables: LogisticFit; both: LogisticFit; sums: [number, number, number]; gains: boolean }[];
  /** One, the tables' log-odds and the network's. */
  readonly #columns: readonly [Float64Array, Float64Array, Float64Array];
  #judged = 0;
  /** Pass after which it is off; 0: it is on. */
  #off = 0;

  /** @param distances that are judged apart @param widest most experts of a layer */
  constructor(evidence: Evidence, distances: number, widest: number) {
    this.evidence = evidence;
    const trial = () => ({
      tables: new LogisticFit([0, 1]),
      both: new LogisticFit([0, 1, 0]),
      sums: [0, 0, 0] as [number, number, number],
    });
    this.#trials = Array.from({ length: distances }, () => ({ ...trial(), gains: false }));
    this.#columns = [new Float64Array(widest).fill(1), new Float64Array(widest), new Float64Array(widest)];
  }

  get runs(): number {
    return this.evidence.runs!();
  }

  /** Weighs it into the tables' log-odds of a layer of `experts` experts, if it gains at this distance. */
  speak(distance: number, pass: Pass, token: number, after: number, layer: number, experts: number, sums: Float64Array): void {
    const { both, gains } = this.#trials[distance]!;
    const column = this.#columns[2].fill(0);
    this.spoke = gains && this.#off === 0 && this.evidence.add(pass, token, after, layer, both.weights[2]!, column);
    if (this.spoke) for (let e = 0; e < experts; e++) sums[e] = both.weights[0]! + both.weights[1]! * sums[e]! + column[e]!;
  }

  /** Judges and learns from a layer that is known now. @param sums the tables' log-odds @param used 1 for each expert of the layer that was used */
  practise(distance: number, pass: Pass, token: number, after: number, layer: number, sums: Float64Array, used: Uint8Array): void {
    if (this.#off > 0 || !this.evidence.add(pass, token, after, layer, 1, this.#columns[2].fill(0))) return;
    this.#columns[1].set(sums.subarray(0, this.#columns[1].length));
    const trial = this.#trials[distance]!;
    const gain = trial.tables.step(this.#columns.slice(0, 2), used, used.length) - trial.both.step(this.#columns, used, used.length);
    const [count, sum, squares] = trial.sums;
    trial.sums = [FADING * count + 1, FADING * sum + gain, FADING * squares + gain * gain];
    const mean = trial.sums[1] / trial.sums[0];
    trial.gains = count >= LEAST && mean > ERRORS * Math.sqrt((trial.sums[2] / trial.sums[0] - mean * mean) / trial.sums[0]);
    if (++this.#judged >= PATIENCE && !this.#trials.some(({ gains }) => gains)) this.#off = pass.number;
  }

  warnings(): readonly Warning[] {
    const pass = formatCount(this.#off);
    const message = `The network foretold no more than the tables beside it, and is off after pass ${pass}. Leave it out, or train one on such text.`;
    return this.#off === 0 ? [] : [{ code: 'network-off', message }];
  }
}

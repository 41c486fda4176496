import { LogisticFit } from '../../base/logistic-fit.js';
import { formatCount } from '../../base/units.js';
import type { Warning } from '../../result/result.js';
import type { Pass } from '../../schedule/door.js';
import type { Evidence } from '../evidence.js';

/**
 * Decay per judged layer (about the last 100 count), fewest layers, and standard errors of a gain. Ours, as is usual.
 */
const [FADING, LEAST, ERRORS] = [0.99, 16, 2];
/** Judged layers after which a useless network is off: 300 tokens of a run after earlier text. Ours. */
const PATIENCE = 512;

/** A network stacked on a mixture's tables (Wolpert, Neural Networks 5, 1992), used at distances with a gain. */
export class Stacked {
  readonly evidence: Evidence;
  spoke = false;
  /** By distance: fits without and with the network; decayed sums of 1, gain in squared error, squared gain. */
  readonly #trials: readonly { tables: LogisticFit; both: LogisticFit; sums: [number, number, number]; gains: boolean }[];
  readonly #columns: readonly [Float64Array, Float64Array, Float64Array];
  #judged = 0;
  #off = 0;

  /** @param distances judged separately @param widest most experts of a layer */
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

  /** Adds the network to the tables' log-odds, if the distance gains. */
  speak(distance: number, pass: Pass, token: number, after: number, layer: number, experts: number, sums: Float64Array): void {
    const { both, gains } = this.#trials[distance]!;
    const column = this.#columns[2].fill(0);
    this.spoke = gains && this.#off === 0 && this.evidence.add(pass, token, after, layer, both.weights[2]!, column);
    if (this.spoke) for (let e = 0; e < experts; e++) sums[e] = both.weights[0]! + both.weights[1]! * sums[e]! + column[e]!;
  }

  /** @param sums the tables' log-odds @param used 1 for each used expert */
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

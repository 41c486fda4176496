// Calibration of scores in WebAssembly: double precision in plain-loop order, for bit-equal results.
import { LOGISTIC } from '../../base/log-odds.js';
import { access, advance, again, F64, get, I32, instantiate, type KernelBody, literal, loop, real, set } from '../../base/wasm.js';

/** Addresses are byte offsets in the kernel's memory. */
interface Kernels {
  /** Writes chances of scores up to `end`. @param next log-odds of next uses, 32 bits each */
  read(scores: number, end: number, next: number, chances: number): number;
}

/** Locals: weights of constant, score and next-use log-odds; place among the steps; step. */
const [ONE, SCORE, NEXT, PLACE, STEP] = [4, 5, 6, 7, 8];
/** Bytes of the weights, before the steps' log-odds. */
const WEIGHTS = 24;

const bodyOf = (steps: number, logistic: number): KernelBody => ({
  parameters: 4,
  locals: [
    [4, F64],
    [1, I32],
  ],
  code: [
    ...[ONE, SCORE, NEXT].flatMap((weight, i) => [...literal(0), ...access(0x2b, 8 * i), ...set(weight)]),
    ...loop(
      [...get(0), ...access(0x2a, 0), 0xbb, ...real(steps), 0xa2, ...set(PLACE)],
      [...get(PLACE), 0xfc, 0x02, ...set(STEP)],
      // one + score x (low + (place - step) x (high - low)) + next x log-odds of the next use
      [...get(3), ...get(ONE), ...get(SCORE), ...get(STEP), ...literal(3), 0x74, ...access(0x2b, WEIGHTS)],
      [...get(PLACE), ...get(STEP), 0xb7, 0xa1, ...get(STEP), ...literal(3), 0x74, ...access(0x2b, WEIGHTS + 8)],
      [...get(STEP), ...literal(3), 0x74, ...access(0x2b, WEIGHTS), 0xa1, 0xa2, 0xa0, 0xa2, 0xa0],
      [...get(NEXT), ...get(2), ...access(0x2a, 0), 0xbb, 0xa2, 0xa0],
      [...real(LOGISTIC.range), 0xa0, ...real(LOGISTIC.perUnit), 0xa2, ...real(0), 0xa5, ...real(LOGISTIC.table.length - 1), 0xa4],
      [0xfc, 0x02, ...literal(2), 0x74, ...access(0x2a, logistic), ...access(0x38, 0)],
      ...[0, 2, 3].map((local) => advance(local, 4)),
      again(0, 1),
    ),
    ...literal(0),
  ],
});

/** Kernel with memory for one layer's experts. */
export class ChanceKernel {
  /** Scores in [0, 1], log-odds of next uses, and chances from {@link read}. */
  readonly scores: Float32Array;
  readonly nextUse: Float32Array;
  readonly chances: Float32Array;
  /** Weights of constant, score and next-use log-odds. */
  readonly weights: Float64Array;
  /** Log-odds at each step limit, plus an extra entry. */
  readonly logOdds: Float64Array;
  readonly #kernels: Kernels;

  /** @param widest most experts of a layer @param steps divisions of the score range */
  constructor(widest: number, steps: number) {
    const logistic = WEIGHTS + 8 * (steps + 2);
    const scores = logistic + LOGISTIC.table.byteLength;
    const { kernels, memory } = instantiate<Kernels>({ read: bodyOf(steps, logistic) }, scores + 12 * widest);
    const { buffer } = memory;
    this.#kernels = kernels;
    this.weights = new Float64Array(buffer, 0, 3);
    this.logOdds = new Float64Array(buffer, WEIGHTS, steps + 2);
    new Float32Array(buffer, logistic, LOGISTIC.table.length).set(LOGISTIC.table);
    this.scores = new Float32Array(buffer, scores, widest);
    this.nextUse = new Float32Array(buffer, scores + 4 * widest, widest);
    this.chances = new Float32Array(buffer, scores + 8 * widest, widest);
  }

  read(experts: number): void {
    const { byteOffset } = this.scores;
    this.#kernels.read(byteOffset, byteOffset + 4 * experts, this.nextUse.byteOffset, this.chances.byteOffset);
  }
}

import { LOGISTIC } from '../../base/log-odds.js';
import { access, advance, again, F64, get, instantiate, type KernelBody, literal, loop, real, set } from '../../base/wasm.js';
import { BLOCK_BITS, BLOCKS_USED, PASTS } from './past-bits.js';

/** Votes per step of the table of votes. */
export const VOTE_STEP = 4;
const VOTE_SHIFT = Math.log2(VOTE_STEP);

/** Addresses are bytes in the kernels' memory. */
interface ExpectationKernels {
  expect(recent: number, end: number, blocks: number, rates: number, votes: number, logOdds: number, values: number): number;
}

/** Bytes of tables from address 0: rate weight, terms of pasts, terms of votes, logistic function, ones in a byte. */
const PAST_TERM = 8;
const VOTE_TERM = PAST_TERM + 8 * PASTS;

/** Local of the kernel: rate weight. */
const WEIGHT = 7;
/** Local of the kernel: log-odds. */
const LOGIT = 8;

/** @param logistic @param ones table addresses */
const expectBody = (logistic: number, ones: number): KernelBody => ({
  parameters: 7,
  locals: [[2, F64]],
  code: [
    ...[...literal(0), ...access(0x2b, 0), ...set(WEIGHT)],
    ...loop(
      get(5),
      [...get(0), ...access(0x2d, 0), ...literal(BLOCK_BITS), 0x74, ...get(2), ...access(0x2d, 0), ...access(0x2d, ones), 0x72],
      [...literal(3), 0x74, ...access(0x2b, PAST_TERM), ...get(WEIGHT), ...get(3), ...access(0x2b, 0), 0xa2, 0xa0],
      [...get(4), ...access(0x28, 0), ...literal(VOTE_SHIFT), 0x76, ...literal(3), 0x74, ...access(0x2b, VOTE_TERM), 0xa0],
      [...set(LOGIT), ...get(LOGIT), 0xb6, ...access(0x38, 0)],
      [...get(6), ...get(LOGIT), ...real(LOGISTIC.range), 0xa0, ...real(LOGISTIC.perUnit), 0xa2],
      [...real(0), 0xa5, ...real(LOGISTIC.table.length - 1), 0xa4, 0xfc, 0x02],
      [...literal(2), 0x74, ...access(0x2a, logistic), ...access(0x38, 0)],
      ...[0, 2].map((local) => advance(local, 1)),
      advance(3, 8),
      ...[4, 5, 6].map((local) => advance(local, 4)),
      again(0, 1),
    ),
    ...literal(0),
  ],
});

/** Logits and probabilities of next uses in WebAssembly, equal to plain doubles. */
export class Expectation {
  /** Logit terms by past; then by step of {@link VOTE_STEP} votes. */
  readonly pastTerm: Float64Array;
  readonly voteTerm: Float64Array;
  readonly bits: Uint8Array;
  /** By dense id: ln of the use rate. */
  readonly logRate: Float64Array;
  /** By expert of the current layer: votes; the last entry is scratch. */
  readonly votes: Int32Array;
  /** By dense id: logit; then its logistic function. */
  readonly logOdds: Float32Array;
  readonly values: Float32Array;
  readonly #weight: Float64Array;
  readonly #kernels: ExpectationKernels;

  /** @param places of bits @param widest most experts of a layer @param voteSteps entries of {@link voteTerm} */
  constructor(places: number, experts: number, widest: number, voteSteps: number) {
    const logistic = VOTE_TERM + 8 * voteSteps;
    const ones = logistic + LOGISTIC.table.byteLength;
    const rates = ones + BLOCKS_USED.length;
    const votes = rates + 8 * experts;
    const logOdds = votes + 4 * (widest + 1);
    const values = logOdds + 4 * experts;
    const bits = values + 4 * experts;
    const { kernels, memory } = instantiate<ExpectationKernels>({ expect: expectBody(logistic, ones) }, bits + 2 * places);
    const { buffer } = memory;
    this.#kernels = kernels;
    this.#weight = new Float64Array(buffer, 0, 1);
    this.pastTerm = new Float64Array(buffer, PAST_TERM, PASTS);
    this.voteTerm = new Float64Array(buffer, VOTE_TERM, voteSteps);
    new Float32Array(buffer, logistic, LOGISTIC.table.length).set(LOGISTIC.table);
    new Uint8Array(buffer, ones, BLOCKS_USED.length).set(BLOCKS_USED);
    this.logRate = new Float64Array(buffer, rates, experts);
    this.votes = new Int32Array(buffer, votes, widest + 1);
    this.logOdds = new Float32Array(buffer, logOdds, experts);
    this.values = new Float32Array(buffer, values, experts);
    this.bits = new Uint8Array(buffer, bits, 2 * places);
  }

  /**
   * Renews `experts` experts from `offset` on, with bits from `place` on. @param rateWeight weight of {@link logRate}
   */
  expect(place: number, offset: number, experts: number, rateWeight: number): void {
    const { bits, logOdds, logRate, values, votes } = this;
    this.#weight[0] = rateWeight;
    const recent = bits.byteOffset + place;
    this.#kernels.expect(
      recent,
      recent + experts,
      recent + bits.length / 2,
      logRate.byteOffset + 8 * offset,
      votes.byteOffset,
      logOdds.byteOffset + 4 * offset,
      values.byteOffset + 4 * offset,
    );
  }
}

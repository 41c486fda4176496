import { LOGISTIC } from '../../base/log-odds.js';
import { advance, again, get, instantiate, type KernelBody, literal, load, loop, save, set, simd, V128 } from '../../base/wasm.js';

/** Addresses in bytes; lengths are multiples of {@link LANES} numbers. */
interface BlendKernels {
  /** `sums += weight x column` up to `end`. @param column singles @param weight address of a double */
  add(column: number, end: number, weight: number, sums: number): number;
  /** Writes the logistic function of the sums up to `end`, as singles. */
  chances(sums: number, end: number, table: number, into: number): number;
}

/** Singles per SIMD vector. */
const LANES = 4;

const LOAD_TWICE = (address: number): number[] => [...get(address), ...simd(0x0a, 0, 0)];
const LOAD_LOW = (address: number, offset: number): number[] => [...get(address), ...simd(0x5d, 0, offset)];
const PROMOTE_LOW = simd(0x5f);
const F64_ADD = simd(0xf0);
const F64_MULTIPLY = simd(0xf2);
const F64_MIN = simd(0xf4);
const F64_MAX = simd(0xf5);
const F64_FLOOR = simd(0x75);
const lane = (index: number): number[] => simd(0x1b, index);

/** Doubles from byte 8 on: V8 builds constants of code anew in every iteration. 2^52 leaves whole numbers in low words. */
const CONSTANTS = [LOGISTIC.range, LOGISTIC.perUnit, 0, LOGISTIC.table.length - 1, 2 ** 52];
/** Bytes before the sums. */
const HEAD = 8 + 8 * CONSTANTS.length;

const addTwo = (at: number): number[] => [
  ...[...get(3), ...load(3, 2 * at), ...get(4), ...LOAD_LOW(0, at), ...PROMOTE_LOW, ...F64_MULTIPLY, ...F64_ADD, ...save(2 * at)],
];

const ADD: KernelBody = {
  parameters: 4,
  locals: [[1, V128]],
  code: [
    ...[...LOAD_TWICE(2), ...set(4)],
    ...loop([...addTwo(0), ...addTwo(8)], advance(0, 4 * LANES), advance(3, 8 * LANES), again(0, 1)),
    ...literal(0),
  ],
};

const lookUp = (index: number): number[] => [
  ...[...get(3), ...get(4), ...lane(2 * index), ...literal(2), 0x74, ...get(2), 0x6a],
  ...[0x2a, 0x02, 0x00, 0x38, 0x02, 4 * index],
];

const CHANCES: KernelBody = {
  parameters: 4,
  locals: [
    [1, V128],
    [CONSTANTS.length, V128],
  ],
  code: [
    ...CONSTANTS.flatMap((_, i) => [...literal(0), ...simd(0x0a, 0, 8 + 8 * i), ...set(5 + i)]),
    ...loop(
      [...load(0, 0), ...get(5), ...F64_ADD, ...get(6), ...F64_MULTIPLY, ...get(7), ...F64_MAX, ...get(8), ...F64_MIN],
      [...F64_FLOOR, ...get(9), ...F64_ADD, ...set(4)],
      [...lookUp(0), ...lookUp(1)],
      advance(0, 16),
      advance(3, 8),
      again(0, 1),
    ),
    ...literal(0),
  ],
};

/** Mixture sums and probabilities in WebAssembly SIMD, equal to plain double loops. */
export class Blend {
  /** Sums of evidence, in log-odds. */
  readonly sums: Float64Array;
  readonly #kernels: BlendKernels;
  readonly #weight: Float64Array;
  readonly #column: Float32Array;
  readonly #chances: readonly Float32Array[];
  readonly #table: number;

  constructor(widths: readonly number[]) {
    const most = LANES * Math.ceil(Math.max(1, ...widths) / LANES);
    const column = HEAD + 8 * most;
    const chances = column + 4 * most;
    this.#table = chances + 4 * most;
    const { kernels, memory } = instantiate<BlendKernels>({ add: ADD, chances: CHANCES }, this.#table + 4 * LOGISTIC.table.length);
    const { buffer } = memory;
    this.#kernels = kernels;
    this.#weight = new Float64Array(buffer, 0, 1);
    new Float64Array(buffer, 8, CONSTANTS.length).set(CONSTANTS);
    this.sums = new Float64Array(buffer, HEAD, most);
    this.#column = new Float32Array(buffer, column, most);
    const views: Float32Array[] = [];
    for (const width of widths) views[width] ??= new Float32Array(buffer, chances, width);
    this.#chances = views;
    new Float32Array(buffer, this.#table, LOGISTIC.table.length).set(LOGISTIC.table);
  }

  /** Adds `weight` times a column to the {@link sums}. */
  add(column: Float32Array, weight: number): void {
    this.#column.set(column);
    this.#weight[0] = weight;
    const from = this.#column.byteOffset;
    this.#kernels.add(from, from + 4 * LANES * Math.ceil(column.length / LANES), 0, this.sums.byteOffset);
  }

  /** Probabilities of a layer's sums; a view that the next call overwrites. */
  chances(experts: number): Float32Array {
    const chances = this.#chances[experts]!;
    const from = this.sums.byteOffset;
    this.#kernels.chances(from, from + 16 * Math.ceil(experts / 2), this.#table, chances.byteOffset);
    return chances;
  }
}

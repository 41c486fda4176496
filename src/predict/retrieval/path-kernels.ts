// Kernels of path retrieval in WebAssembly SIMD, on bits of kept paths per expert. Lists took 6 to 10 times as long.
import { VOTE, type VoteKernel } from '../../base/votes.js';
import { advance, again, get, I32, instantiate, type KernelBody, literal, load, loop, save, set, simd, V128 } from '../../base/wasm.js';

/** Paths per step: bits of a vector. */
export const BLOCK = 128;
/** Most rows of a {@link PathKernels.share} call: four bits hold the count. */
export const MOST_ROWS = 15;
/** Factor one, in units of 2^-15. */
export const ONE = 32767;

/** Bytes at the start of memory for the kernels' own use. */
export const SCRATCH_BYTES = 16;

/** Addresses and lengths are bytes of the kernels' memory. */
export interface PathKernels extends VoteKernel {
  /** Bit rows per path: `near = near x decay + (count << shift)`, `whole += count`. @param list of rows' addresses */
  share(list: number, end: number, bytes: number, near: number, whole: number, decay: number, shift: number): number;
  /**
   * Lists paths with `near x a + whole x b + before x c` above `least`: place and similarity, from `out` on; a and c in
   * 2^-15. @returns end of the list
   */
  scan(near: number, end: number, whole: number, before: number, a: number, b: number, c: number, least: number, out: number): number;
  carry(whole: number, end: number, before: number, to: number, decay: number, shift: number): number;
}

const I16_SPLAT = simd(0x10);
const Q15_MULTIPLY = simd(0x82);
const I16_ADD = simd(0x8e);
const I16_ADD_SATURATED = simd(0x8f);
const I16_MULTIPLY = simd(0x95);
const I16_SHIFT_LEFT = simd(0x8b);
const I16_GREATER = simd(0x31);
const I16_BITMASK = simd(0x84);
const WIDEN_LOW = simd(0x89);
const WIDEN_HIGH = simd(0x8a);
const SWIZZLE = simd(0x0e);
const I8_EQUAL = simd(0x23);
const AND = simd(0x4e);
const OR = simd(0x50);
const XOR = simd(0x51);
const vectorOf = (bytes: readonly number[]): number[] => simd(0x0c, ...bytes);
const bytes16 = (of: (lane: number) => number): number[] => vectorOf(Array.from({ length: 16 }, (_, lane) => of(lane)));
const splat = (local: number): number[] => [...get(local), ...I16_SPLAT];

/** Locals of {@link SHARE}: bit planes of the counts, least significant first, then temporaries. */
const PLANES = [8, 9, 10, 11] as const;
/** Local of {@link SHARE}: carry of an addition. */
const CARRY = 12;
/** Local of {@link SHARE}: next carry. */
const KEPT = 13;
/** Local of {@link SHARE}: bit of each lane. */
const BIT = 14;
/** Local of {@link SHARE}: decay. */
const DECAY = 15;
/** Local of {@link SHARE}: counts of a block. */
const COUNT = 16;
/** Local of {@link SHARE}: byte offset. */
const OFFSET = 17;

/** Adds a row to the planes: ripple-carry addition. */
const addRow: readonly number[] = [
  ...[...get(7), 0x28, 0x02, 0x00, ...get(OFFSET), 0x6a, ...simd(0x00, 0, 0), ...set(CARRY)],
  ...PLANES.flatMap((plane) => [
    ...[...get(plane), ...get(CARRY), ...AND, ...set(KEPT)],
    ...[...get(plane), ...get(CARRY), ...XOR, ...set(plane)],
    ...[...get(KEPT), ...set(CARRY)],
  ]),
];

/** Counts of paths 16 j to 16 j + 15, as bytes from the planes' bits. */
const countsOf = (j: number): number[] => [
  ...PLANES.flatMap((plane, power) => [
    ...[...get(plane), ...bytes16((lane) => 2 * j + (lane >> 3)), ...SWIZZLE, ...get(BIT), ...AND, ...get(BIT), ...I8_EQUAL],
    ...[...bytes16(() => 1 << power), ...AND, ...(power === 0 ? [] : OR)],
  ]),
  ...set(COUNT),
];

const addCounts = (widen: readonly number[], at: number): number[] => [
  ...[...get(3), ...load(3, at), ...get(DECAY), ...Q15_MULTIPLY, ...get(COUNT), ...widen, ...get(6), ...I16_SHIFT_LEFT],
  ...[...I16_ADD, ...save(at)],
  ...[...get(4), ...load(4, at), ...get(COUNT), ...widen, ...I16_ADD, ...save(at)],
];

const SHARE: KernelBody = {
  parameters: 7,
  locals: [
    [1, I32],
    [9, V128],
    [1, I32],
  ],
  code: [
    ...[...bytes16((lane) => 1 << (lane & 7)), ...set(BIT), ...splat(5), ...set(DECAY)],
    ...loop(
      PLANES.flatMap((plane) => [...bytes16(() => 0), ...set(plane)]),
      [...get(0), ...set(7)],
      loop([...addRow], advance(7, 4), again(7, 1)),
      ...[0, 1, 2, 3, 4, 5, 6, 7].map((j) => [...countsOf(j), ...addCounts(WIDEN_LOW, 32 * j), ...addCounts(WIDEN_HIGH, 32 * j + 16)]),
      advance(3, 2 * BLOCK),
      advance(4, 2 * BLOCK),
      advance(OFFSET, BLOCK / 8),
      again(OFFSET, 2),
    ),
    ...literal(0),
  ],
};

/** Local of {@link SCAN}: first row of a block. */
const PLACE = 9;
/** Local of {@link SCAN}: bit mask of lanes above the least. */
const ABOVE = 10;
/** Local of {@link SCAN}: first of four factors. */
const FACTORS = 11;
/** Local of {@link SCAN}: least similarity. */
const LEAST = 14;
/** Local of {@link SCAN}: similarities of a block. */
const SIMILARITY = 15;
const lane = [...get(ABOVE), 0x68];

const SCAN: KernelBody = {
  parameters: 9,
  locals: [
    [2, I32],
    [5, V128],
  ],
  code: [
    ...[4, 5, 6, 7].flatMap((parameter, i) => [...splat(parameter), ...set(FACTORS + i)]),
    ...loop(
      [...load(0, 0), ...get(FACTORS), ...Q15_MULTIPLY, ...load(2, 0), ...get(FACTORS + 1), ...I16_MULTIPLY, ...I16_ADD_SATURATED],
      [...load(3, 0), ...get(FACTORS + 2), ...Q15_MULTIPLY, ...I16_ADD_SATURATED, ...set(SIMILARITY)],
      [...get(SIMILARITY), ...get(LEAST), ...I16_GREATER, ...I16_BITMASK, ...set(ABOVE)],
      // If any lane is above (seldom), store all eight at address 0, then list each.
      [...get(ABOVE), 0x04, 0x40, ...literal(0), ...get(SIMILARITY), ...save(0)],
      loop(
        [...get(8), ...get(PLACE), ...lane, 0x6a, 0x36, 0x02, 0x00],
        [...get(8), ...lane, ...literal(1), 0x74, 0x2e, 0x01, 0x00, 0x36, 0x02, 0x04],
        advance(8, 8),
        [...get(ABOVE), ...get(ABOVE), ...literal(1), 0x6b, 0x71, ...set(ABOVE), ...get(ABOVE), 0x0d, 0x00],
      ),
      [0x0b],
      advance(0, 16),
      advance(2, 16),
      advance(3, 16),
      advance(PLACE, 8),
      again(0, 1),
    ),
    ...get(8),
  ],
};

const CARRY_OVER: KernelBody = {
  parameters: 6,
  locals: [[1, V128]],
  code: [
    ...[...splat(4), ...set(6)],
    ...loop(
      [...get(3), ...load(0, 0), ...get(5), ...I16_SHIFT_LEFT, ...load(2, 0), ...get(6), ...Q15_MULTIPLY, ...I16_ADD_SATURATED, ...save(0)],
      advance(0, 16),
      advance(2, 16),
      advance(3, 16),
      again(0, 1),
    ),
    ...literal(0),
  ],
};

/** Kernels on a new memory of at least `size` bytes, the first {@link SCRATCH_BYTES} reserved. */
export const pathKernelsOn = (size: number): { readonly kernels: PathKernels; readonly memory: { readonly buffer: ArrayBuffer } } =>
  instantiate<PathKernels>({ share: SHARE, scan: SCAN, carry: CARRY_OVER, vote: VOTE }, size);

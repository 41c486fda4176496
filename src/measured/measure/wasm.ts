// Kernels that measure memory and cores, in WebAssembly with 128-bit SIMD.
import { advance, again, get, I32, instantiate, type KernelBody, literal, load, loop, save, set, simd, V128 } from '../../base/wasm.js';

/** Kernels of the module. Addresses and ends are in bytes of its memory; their results only keep the work from being optimised away. */
interface Kernels {
  /** Adds up `[from, to)`, in steps of 64 bytes. */
  sum(from: number, to: number): number;
  /** STREAM's triad, `a = b + 3 c` in doubles: `bytes` of each, in steps of 64. */
  triad(a: number, b: number, c: number, bytes: number): number;
  /** Dot products of blocks of 32 weights of 8 bits with a scale (36 bytes), with as many activations of 8 bits, which repeat. */
  q8(from: number, to: number, x: number, xEnd: number): number;
  /** The same of 4 bits (20 bytes a block). */
  q4(from: number, to: number, x: number, xEnd: number): number;
  /** The same of 32-bit floating point: 32 weights are 128 bytes, and as many activations. */
  f32(from: number, to: number, x: number, xEnd: number): number;
}

/** Bytes of a block of 32 weights, by kernel. */
export const BLOCK_BYTES = { q4: 20, q8: 36, f32: 128 } as const;
/** Bytes of the activations of 32 weights, by kernel. */
export const ACTIVATION_BYTES = { q4: 32, q8: 32, f32: 128 } as const;

const scale = (address: number): number[] => [...get(address), ...simd(0x09, 0, 0)];
/** Wraps the address of activations at their end. */
const wrap = (x: number, end: number, start: number): number[] => [
  ...get(x),
  ...get(end),
  0x4f,
  0x04,
  0x40,
  ...get(start),
  ...set(x),
  0x0b,
];

const I64X2_ADD = simd(0xce);
const F64X2_ADD = simd(0xf0);
const F64X2_MUL = simd(0xf2);
const F32X4_ADD = simd(0xe4);
const F32X4_MUL = simd(0xe6);
const I32X4_ADD = simd(0xae);
const TO_FLOAT = simd(0xfa);
const EXTMUL_LOW = simd(0x9c);
const EXTMUL_HIGH = simd(0x9d);
const PAIRS = simd(0x7e);
const lane0 = simd(0x1b, 0);

/** Four accumulators, since additions wait for one another. */
const SUM: KernelBody = {
  parameters: 2,
  locals: [[4, V128]],
  code: [
    ...loop(...[0, 1, 2, 3].map((i) => [...get(2 + i), ...load(0, 16 * i), ...I64X2_ADD, ...set(2 + i)]), advance(0, 64), again(0, 1)),
    ...[...get(2), ...get(3), ...I64X2_ADD, ...get(4), ...I64X2_ADD, ...get(5), ...I64X2_ADD, ...lane0],
  ],
};

/** Locals: a, b, c, bytes, end of a, 3. */
const TRIAD: KernelBody = {
  parameters: 4,
  locals: [
    [1, I32],
    [1, V128],
  ],
  code: [
    ...[...get(0), ...get(3), 0x6a, ...set(4)],
    ...[0x44, ...new Uint8Array(new Float64Array([3]).buffer), ...simd(0x14), ...set(5)],
    ...loop(
      ...[0, 16, 32, 48].map((at) => [...get(0), ...load(1, at), ...load(2, at), ...get(5), ...F64X2_MUL, ...F64X2_ADD, ...save(at)]),
      ...[0, 1, 2].map((local) => advance(local, 64)),
      again(0, 4),
    ),
    ...literal(0),
  ],
};

/** Sixteen products of 8 bits, added up to four sums of 32: no product of two 8-bit numbers and their pair overflows 16 bits. */
const products = (weights: readonly number[], activations: readonly number[]): number[] => [
  ...[...weights, ...activations, ...EXTMUL_LOW, ...PAIRS],
  ...[...weights, ...activations, ...EXTMUL_HIGH, ...PAIRS],
  ...I32X4_ADD,
];

/** A dot product by blocks; locals behind the four parameters: accumulator, weights, start of the activations. */
function dot(block: number, activations: number, sums: readonly number[]): KernelBody {
  return {
    parameters: 4,
    locals: [
      [2, V128],
      [1, I32],
    ],
    code: [
      ...[...get(2), ...set(6)],
      ...loop([...get(4), ...sums, ...F32X4_ADD, ...set(4)], advance(0, block), advance(2, activations), wrap(2, 3, 6), again(0, 1)),
      ...[...get(4), ...lane0],
    ],
  };
}

const scaled = (sums: readonly number[]): number[] => [...sums, ...TO_FLOAT, ...scale(0), ...F32X4_MUL];
const Q8 = dot(
  BLOCK_BYTES.q8,
  ACTIVATION_BYTES.q8,
  scaled([...products(load(0, 4), load(2, 0)), ...products(load(0, 20), load(2, 16)), ...I32X4_ADD]),
);

const bytes = (value: number): number[] => [...literal(value), ...simd(0x0f)];
const LOW = [...get(5), ...bytes(15), ...simd(0x4e), ...bytes(8), ...simd(0x71)];
const HIGH = [...get(5), ...literal(4), ...simd(0x6d), ...bytes(8), ...simd(0x71)];
const Q4 = dot(BLOCK_BYTES.q4, ACTIVATION_BYTES.q4, [
  ...[...load(0, 4), ...set(5)],
  ...scaled([...products(LOW, load(2, 0)), ...products(HIGH, load(2, 16)), ...I32X4_ADD]),
]);

const F32 = dot(
  BLOCK_BYTES.f32,
  ACTIVATION_BYTES.f32,
  [0, 1, 2, 3, 4, 5, 6, 7].flatMap((i) => [...load(0, 16 * i), ...load(2, 16 * i), ...F32X4_MUL, ...(i === 0 ? [] : F32X4_ADD)]),
);

const FUNCTIONS = { sum: SUM, triad: TRIAD, q8: Q8, q4: Q4, f32: F32 } as const satisfies Record<keyof Kernels, KernelBody>;

/** Kernels on a new memory of at least `size` bytes, which begins on a page, and that memory. */
export function kernelsOn(size: number): { readonly kernels: Kernels; readonly memory: { readonly buffer: ArrayBuffer } } {
  return instantiate<Kernels>(FUNCTIONS, size);
}

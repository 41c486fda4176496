import { advance, again, get, I32, instantiate, type KernelBody, literal, load, loop, save, set, simd, V128 } from '../../base/wasm.js';

/** Addresses and ends are in bytes of memory; results prevent optimisation. */
interface Kernels {
  /** Sums `[from, to)` in steps of 64 bytes. */
  sum(from: number, to: number): number;
  /** STREAM's triad, `a = b + 3 c` in doubles: `bytes` per array, in steps of 64. */
  triad(a: number, b: number, c: number, bytes: number): number;
}

const I64X2_ADD = simd(0xce);
const F64X2_ADD = simd(0xf0);
const F64X2_MUL = simd(0xf2);
const LANE_0 = simd(0x1b, 0);

/** Four accumulators, for additions are latency-bound. */
const SUM: KernelBody = {
  parameters: 2,
  locals: [[4, V128]],
  code: [
    ...loop(...[0, 1, 2, 3].map((i) => [...get(2 + i), ...load(0, 16 * i), ...I64X2_ADD, ...set(2 + i)]), advance(0, 64), again(0, 1)),
    ...[...get(2), ...get(3), ...I64X2_ADD, ...get(4), ...I64X2_ADD, ...get(5), ...I64X2_ADD, ...LANE_0],
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

/** WebAssembly SIMD on a new page-aligned memory of at least `size` bytes. */
export function kernelsOn(size: number): { readonly kernels: Kernels; readonly memory: { readonly buffer: ArrayBuffer } } {
  return instantiate<Kernels>({ sum: SUM, triad: TRIAD }, size);
}

// WebAssembly with 128-bit SIMD from opcodes (core specification 2.0), without a compiler.
import { bytesOf } from './host/bytes.js';

/** Type code of 32-bit whole numbers. */
export const I32 = 0x7f;
/** Type code of 64-bit floating-point numbers. */
export const F64 = 0x7c;
/** Type code of 64-bit whole numbers. */
export const I64 = 0x7e;
/** Type code of 128-bit vectors. */
export const V128 = 0x7b;

function leb(value: number): number[] {
  const low = value & 0x7f;
  return value > 0x7f ? [low | 0x80, ...leb(value >>> 7)] : [low];
}

function signed(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return done ? [low] : [low | 0x80, ...signed(rest)];
}

const vector = (items: readonly (readonly number[])[]): number[] => [...leb(items.length), ...items.flat()];
const section = (id: number, body: readonly number[]): number[] => [id, ...leb(body.length), ...body];
const name = (text: string): number[] => [...leb(text.length), ...bytesOf(text)];

/** Pushes a local. */
export const get = (local: number): number[] => [0x20, ...leb(local)];
/** Pops into a local. */
export const set = (local: number): number[] => [0x21, ...leb(local)];
/** Pushes a 32-bit integer. */
export const literal = (value: number): number[] => [0x41, ...signed(value)];
/** Pushes a double. */
export const real = (value: number): number[] => [0x44, ...new Uint8Array(Float64Array.of(value).buffer)];
/** Scalar load or store at an offset from the address on the stack. */
export const access = (opcode: number, offset: number): number[] => [opcode, 0, ...leb(offset)];
/** SIMD instruction. */
export const simd = (opcode: number, ...operands: readonly number[]): number[] => [0xfd, ...leb(opcode), ...operands];
/** Pushes 16 bytes from the address in a local, plus an offset. Alignment hint: 1 byte. */
export const load = (address: number, offset: number): number[] => [...get(address), ...simd(0x00, 0, ...leb(offset))];
/** Stores 16 bytes at an offset from the address below on the stack. */
export const save = (offset: number): number[] => simd(0x0b, 0, ...leb(offset));
/** Adds to a local. */
export const advance = (local: number, by: number): number[] => [...get(local), ...literal(by), 0x6a, ...set(local)];
/** Loop that ends unless {@link again} repeats it. */
export const loop = (...body: readonly number[][]): number[] => [0x03, 0x40, ...body.flat(), 0x0b];
/** Repeats the innermost loop while `local < end`. */
export const again = (local: number, end: number): number[] => [...get(local), ...get(end), 0x49, 0x0d, 0];

/** Function with i32 parameters, typed locals and an i32 result. */
export interface KernelBody {
  readonly parameters: number;
  readonly locals: readonly (readonly [count: number, type: number])[];
  readonly code: readonly number[];
}

function moduleBytes(functions: Readonly<Record<string, KernelBody>>): Uint8Array<ArrayBuffer> {
  const all = Object.entries(functions);
  const type = ({ parameters }: KernelBody): number[] => [0x60, ...vector(new Array<number[]>(parameters).fill([I32])), ...vector([[I32]])];
  const code = ({ code: body, locals }: KernelBody): number[] => {
    const whole = [...vector(locals.map(([count, kind]) => [...leb(count), kind])), ...body, 0x0b];
    return [...leb(whole.length), ...whole];
  };
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(all.map(([, body]) => type(body)))),
    ...section(2, vector([[...name('m'), ...name('memory'), 0x02, 0x00, 0x01]])),
    ...section(3, vector(all.map((_, i) => leb(i)))),
    ...section(7, vector(all.map(([key], i) => [...name(key), 0x00, ...leb(i)]))),
    ...section(10, vector(all.map(([, body]) => code(body)))),
  ]);
}

/** Bytes of a memory page. */
const PAGE = 65536;

/** Subset of Node's global; its types come with the DOM. */
const { WebAssembly: wasm } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
    readonly Module: new (code: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  };
};

/** Instantiates functions on a new memory of at least `size` bytes. */
export function instantiate<Kernels>(
  functions: Readonly<Record<keyof Kernels & string, KernelBody>>,
  size: number,
): { readonly kernels: Kernels; readonly memory: { readonly buffer: ArrayBuffer } } {
  const memory = new wasm.Memory({ initial: Math.ceil(size / PAGE) });
  const { exports } = new wasm.Instance(new wasm.Module(moduleBytes(functions)), { m: { memory } });
  return { kernels: exports as Kernels, memory };
}

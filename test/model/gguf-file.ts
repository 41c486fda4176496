// Writes small GGUF files for tests: the format as its specification has it, data left zero.
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/** ggml types that the tests use: number, elements and bytes of a block. */
const GGML = {
  f32: [0, 1, 4],
  f16: [1, 1, 2],
  q8_0: [8, 32, 34],
  q4_k: [12, 256, 144],
  q5_k: [13, 256, 176],
  q6_k: [14, 256, 210],
  mxfp4: [39, 32, 17],
  /** A type of ik_llama.cpp; 2 bytes of scale per row come on top. */
  iq3_ks: [156, 256, 102],
  /** A type that nobody knows. */
  fork: [700, 256, 168],
} as const;

/** One tensor; innermost dimension first. */
export interface TestTensor {
  readonly name: string;
  readonly type: keyof typeof GGML;
  readonly shape: readonly number[];
}

type Value = number | boolean | string | readonly number[] | readonly string[] | readonly boolean[];

/** Bytes of a tensor's data. */
export function tensorBytes({ type, shape }: TestTensor): number {
  const [, elements, bytes] = GGML[type];
  const weights = shape.reduce((product, side) => product * side, 1);
  return (weights / elements) * bytes + (type === 'iq3_ks' ? (weights / shape[0]!) * 2 : 0);
}

/** The header of a file; integers are written as u32, arrays of texts as such. */
export function ggufHeader(metadata: Readonly<Record<string, Value>>, tensors: readonly TestTensor[]): Buffer {
  const parts: Buffer[] = [];
  const u32 = (value: number): void => {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32LE(value);
    parts.push(buffer);
  };
  const u64 = (value: number): void => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(BigInt(value));
    parts.push(buffer);
  };
  const text = (value: string): void => {
    u64(Buffer.byteLength(value));
    parts.push(Buffer.from(value));
  };
  const single = (value: number | boolean | string): void => {
    if (typeof value === 'string') text(value);
    else if (typeof value === 'boolean') parts.push(Buffer.from([value ? 1 : 0]));
    else u32(value);
  };
  const typeOf = (value: unknown): number => (typeof value === 'string' ? 8 : typeof value === 'boolean' ? 7 : 4);
  parts.push(Buffer.from('GGUF'));
  u32(3);
  u64(tensors.length);
  u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    text(key);
    if (typeof value === 'object') {
      u32(9);
      u32(typeOf(value[0]));
      u64(value.length);
      for (const entry of value) single(entry);
    } else {
      u32(typeOf(value));
      single(value);
    }
  }
  let offset = 0;
  for (const tensor of tensors) {
    text(tensor.name);
    u32(tensor.shape.length);
    for (const side of tensor.shape) u64(side);
    u32(GGML[tensor.type][0]);
    u64(offset);
    offset = align(offset + tensorBytes(tensor));
  }
  return Buffer.concat(parts);
}

/** Writes a whole file, its data as a hole. */
export function writeGguf(path: string, metadata: Readonly<Record<string, Value>>, tensors: readonly TestTensor[]): void {
  const header = ggufHeader(metadata, tensors);
  const fd = openSync(path, 'w');
  writeSync(fd, header);
  ftruncateSync(fd, align(header.length) + tensors.reduce((sum, tensor) => align(sum + tensorBytes(tensor)), 0));
  closeSync(fd);
}

function align(offset: number): number {
  return Math.ceil(offset / 32) * 32;
}

// GGUF files: types of tensors, the header, and files whose tensors have no data, which take no room on the disk. A planner reads headers
// alone. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/** ggml types by name: number, weights and bytes of a block (ggml/include/ggml.h and ggml/src/ggml-common.h). */
export const TYPES = {
  f32: { number: 0, weights: 1, bytes: 4 },
  f16: { number: 1, weights: 1, bytes: 2 },
  q4_0: { number: 2, weights: 32, bytes: 18 },
  q4_1: { number: 3, weights: 32, bytes: 20 },
  q5_0: { number: 6, weights: 32, bytes: 22 },
  q5_1: { number: 7, weights: 32, bytes: 24 },
  q8_0: { number: 8, weights: 32, bytes: 34 },
  q2_k: { number: 10, weights: 256, bytes: 84 },
  q3_k: { number: 11, weights: 256, bytes: 110 },
  q4_k: { number: 12, weights: 256, bytes: 144 },
  q5_k: { number: 13, weights: 256, bytes: 176 },
  q6_k: { number: 14, weights: 256, bytes: 210 },
  iq4_nl: { number: 20, weights: 32, bytes: 18 },
  iq4_xs: { number: 23, weights: 256, bytes: 136 },
  bf16: { number: 30, weights: 1, bytes: 2 },
  // One exponent for 32 numbers of 4 bits.
  mxfp4: { number: 39, weights: 32, bytes: 17 },
};

/** Bytes up to where the next tensor begins. */
export const aligned = (bytes) => Math.ceil(bytes / 32) * 32;

/** Bytes of a tensor. */
export const sizeOf = (shape, type) => (shape.reduce((product, side) => product * side, 1) / TYPES[type].weights) * TYPES[type].bytes;

/**
 * The header as bytes, padded to where data begin.
 * @param metadata values by key: text, number (u32), boolean, list of texts, or {f32}, {f32s}, {i32s}
 * @param tensors {name, shape (innermost first), type}
 */
export function ggufHeader(metadata, tensors) {
  const parts = [];
  const put = (length, write) => {
    const bytes = Buffer.alloc(length);
    write(bytes);
    parts.push(bytes);
  };
  const u32 = (value) => put(4, (bytes) => bytes.writeUInt32LE(value));
  const u64 = (value) => put(8, (bytes) => bytes.writeBigUInt64LE(BigInt(value)));
  const f32 = (value) => put(4, (bytes) => bytes.writeFloatLE(value));
  const text = (value) => {
    u64(Buffer.byteLength(value));
    parts.push(Buffer.from(value));
  };
  const array = (type, values, write) => {
    u32(9);
    u32(type);
    u64(values.length);
    for (const value of values) write(value);
  };
  parts.push(Buffer.from('GGUF'));
  u32(3);
  u64(tensors.length);
  u64(Object.keys(metadata).length);
  for (const [name, value] of Object.entries(metadata)) {
    text(name);
    if (typeof value === 'string') {
      u32(8);
      text(value);
    } else if (typeof value === 'number') {
      u32(4);
      u32(value);
    } else if (typeof value === 'boolean') {
      u32(7);
      put(1, (bytes) => bytes.writeUInt8(Number(value)));
    } else if (Array.isArray(value)) array(8, value, text);
    else if ('f32' in value) {
      u32(6);
      f32(value.f32);
    } else if ('f32s' in value) array(6, value.f32s, f32);
    else array(5, value.i32s, (number) => put(4, (bytes) => bytes.writeInt32LE(number)));
  }
  let offset = 0;
  for (const { name, shape, type } of tensors) {
    text(name);
    u32(shape.length);
    for (const side of shape) u64(side);
    u32(TYPES[type].number);
    u64(offset);
    offset += aligned(sizeOf(shape, type));
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  parts.push(Buffer.alloc(aligned(length) - length));
  return Buffer.concat(parts);
}

/** Writes a file whose tensors are a hole: as long as the real one, with no data. */
export function writeSparseGguf(path, metadata, tensors) {
  const header = ggufHeader(metadata, tensors);
  const fd = openSync(path, 'w');
  try {
    writeSync(fd, header);
    ftruncateSync(
      fd,
      tensors.reduce((sum, { shape, type }) => sum + aligned(sizeOf(shape, type)), header.length),
    );
  } finally {
    closeSync(fd);
  }
}

// What the tensors of a GGUF file weigh: the block sizes of ggml's types, checked against where the data of each tensor lie.
import { UserError } from '../base/errors.js';

/** A tensor as the header describes it. */
export interface DescribedTensor {
  readonly name: string;
  /** Innermost dimension first. */
  readonly shape: readonly number[];
  readonly elements: number;
  readonly type: number;
  /** First byte behind the header. */
  readonly offset: number;
}

/** The same with the bytes of its data. */
export interface GgufTensor extends DescribedTensor {
  readonly bytes: number;
}

/** Tensor types by number: elements and bytes of a block (ggml-common.h). */
const BLOCKS: Readonly<Record<number, readonly [elements: number, bytes: number]>> = {
  0: [1, 4], // f32
  1: [1, 2], // f16
  2: [32, 18], // q4_0
  3: [32, 20], // q4_1
  6: [32, 22], // q5_0
  7: [32, 24], // q5_1
  8: [32, 34], // q8_0
  9: [32, 36], // q8_1
  10: [256, 84], // q2_k
  11: [256, 110], // q3_k
  12: [256, 144], // q4_k
  13: [256, 176], // q5_k
  14: [256, 210], // q6_k
  15: [256, 292], // q8_k
  16: [256, 66], // iq2_xxs
  17: [256, 74], // iq2_xs
  18: [256, 98], // iq3_xxs
  19: [256, 50], // iq1_s
  20: [32, 18], // iq4_nl
  21: [256, 110], // iq3_s
  22: [256, 82], // iq2_s
  23: [256, 136], // iq4_xs
  24: [1, 1], // i8
  25: [1, 2], // i16
  26: [1, 4], // i32
  27: [1, 8], // i64
  28: [1, 8], // f64
  29: [256, 56], // iq1_m
  30: [1, 2], // bf16
  34: [256, 54], // tq1_0
  35: [256, 66], // tq2_0
  39: [32, 17], // mxfp4
};

/**
 * Sizes of the tensors: by their type, or, for types that llama.cpp's forks add, by where the next one begins, which is exact up to the
 * alignment of 32 bytes.
 * @param dataBytes bytes behind the header
 */
export function sizedTensors(path: string, described: readonly DescribedTensor[], dataBytes: number): GgufTensor[] {
  const inOrder = [...described].sort((a, b) => a.offset - b.offset);
  const sizes = new Map<DescribedTensor, number>();
  for (const [i, tensor] of inOrder.entries()) {
    const end = inOrder[i + 1]?.offset ?? Math.max(tensor.offset, dataBytes);
    const block = BLOCKS[tensor.type];
    const bytes = block === undefined ? end - tensor.offset : (tensor.elements / block[0]) * block[1];
    const place = `${path}: tensor ${JSON.stringify(tensor.name.slice(0, 60))}`;
    if (!Number.isInteger(bytes)) throw new UserError(`${place}: ${tensor.elements} elements are no whole blocks; the file is damaged`);
    if (tensor.offset + bytes > dataBytes)
      throw new UserError(
        `${place}: ends ${tensor.offset + bytes - dataBytes} bytes behind the file's end; it was cut short, fetch it again`,
      );
    if (tensor.offset + bytes > end) throw new UserError(`${place}: its data lie over those of the next tensor; the file is damaged`);
    sizes.set(tensor, bytes);
  }
  return described.map((tensor) => ({ ...tensor, bytes: sizes.get(tensor)! }));
}

// All kernel formats, by name and by their number in GGUF files. Another family is one file and one line here.
import type { KernelFormat } from './format.js';
import { FLOATS } from './fp.js';
import { I_QUANTS } from './i.js';
import { IK_QUANTS } from './ik.js';
import { INTEGERS } from './int.js';
import { K_QUANTS } from './k.js';
import { LEGACY } from './legacy.js';

/** Every format that weights of a model can be stored in. */
export const KERNEL_FORMATS: readonly KernelFormat[] = [...LEGACY, ...K_QUANTS, ...I_QUANTS, ...IK_QUANTS, ...FLOATS, ...INTEGERS];

const byName = new Map(KERNEL_FORMATS.map((format) => [format.name, format]));
const byNumber = new Map(KERNEL_FORMATS.flatMap((format) => (format.ggml === null ? [] : [[format.ggml, format] as const])));

/** A format by its name; undefined for one that is none, e.g. `type 400` of a GGUF file. */
export function kernelFormat(name: string): KernelFormat | undefined {
  return byName.get(name);
}

/** A format by the number of its type in GGUF files; undefined for unknown numbers. */
export function ggmlFormat(type: number): KernelFormat | undefined {
  return byNumber.get(type);
}

/** A format and the bits per weight that it takes in some tensor. */
export interface StoredFormat {
  readonly format: string;
  readonly bits: number;
}

/** The format that a tensor with rows of `columns` weights gets in place of the wanted one: fallbacks and scales per row applied. */
export function storedIn(name: string, columns: number): StoredFormat {
  const { weights, bits, rowBytes, fallback, family } = byName.get(name)!;
  if (columns % weights !== 0 && fallback !== null) return storedIn(fallback, columns);
  return { format: name, bits: rowBytes === 0 || family === 'int' ? bits : bits + (rowBytes * 8) / columns };
}

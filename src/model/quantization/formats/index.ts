import type { KernelFormat } from './format.js';
import { FORMAT_ROWS, type FormatFamily, type FormatName } from './rows.js';

/** All storage formats of weights. */
export const KERNEL_FORMATS: readonly KernelFormat[] = Object.entries(FORMAT_ROWS).flatMap(([family, rows]) =>
  Object.entries(rows).map(([name, [weights, bytes, fallback, ggml, rowBytes = 0]]): KernelFormat => {
    const [, plain = name, interleaved = 1] = /^(.+)_r(\d+)$/.exec(name) ?? [];
    return {
      name: name as FormatName,
      family: family as FormatFamily,
      weights,
      bytes,
      rowBytes,
      bits: (bytes * 8) / weights,
      rows: Number(interleaved),
      plain: plain as FormatName,
      fallback,
      ggml,
    };
  }),
);

const byName = new Map<string, KernelFormat>(KERNEL_FORMATS.map((format) => [format.name, format]));
const byNumber = new Map(KERNEL_FORMATS.flatMap((format) => (format.ggml === null ? [] : [[format.ggml, format] as const])));

/** Format by name; null if unknown, e.g. `type 400` of a GGUF file. */
export const kernelFormat = (name: string): KernelFormat | null => byName.get(name) ?? null;

/** Format by GGUF type number. */
export const ggmlFormat = (type: number): KernelFormat | null => byNumber.get(type) ?? null;

/** A format with bits per weight in a tensor. */
export interface StoredFormat {
  readonly format: string;
  readonly bits: number;
}

/** Format of a tensor with rows of `columns` weights, after fallbacks and row scales. */
export function storedIn(name: FormatName, columns: number): StoredFormat {
  const { weights, bits, rowBytes, fallback, family } = byName.get(name)!;
  if (columns % weights !== 0 && fallback !== null) return storedIn(fallback, columns);
  return { format: name, bits: rowBytes === 0 || family === 'int' ? bits : bits + (rowBytes * 8) / columns };
}

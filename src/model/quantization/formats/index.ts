// A new kernel format is a row of `profiles/formats.txt`.
import { bundledSections } from '../../../base/profiles.js';
import { FORMAT_FAMILIES, type FormatFamily, type KernelFormat } from './format.js';

const FORMATS = bundledSections('formats.txt');

const ROW = /^(\S+) +(\d+) +([\d.]+) +(\S+) +(\d+|-)(?: +(\d+))?(?: +#.*)?$/;

/** All storage formats of weights. @throws Error for a malformed row of `profiles/formats.txt` */
export const KERNEL_FORMATS: readonly KernelFormat[] = (Object.keys(FORMAT_FAMILIES) as FormatFamily[]).flatMap((family) =>
  FORMATS.get(family)!.map((row): KernelFormat => {
    const [, name, weights, bytes, fallback, ggml, rowBytes = 0] = ROW.exec(row) ?? [];
    if (name === undefined) throw new Error(`profiles/formats.txt: no format: ${row}`);
    const [, plain = name, interleaved = 1] = /^(.+)_r(\d+)$/.exec(name) ?? [];
    return {
      name,
      family,
      weights: Number(weights),
      bytes: Number(bytes),
      rowBytes: Number(rowBytes),
      bits: (Number(bytes) * 8) / Number(weights),
      rows: Number(interleaved),
      plain,
      fallback: fallback === '-' ? null : fallback!,
      ggml: ggml === '-' ? null : Number(ggml),
    };
  }),
);

const byName = new Map(KERNEL_FORMATS.map((format) => [format.name, format]));
const byNumber = new Map(KERNEL_FORMATS.flatMap((format) => (format.ggml === null ? [] : [[format.ggml, format] as const])));

/** Format by name; undefined if unknown, e.g. `type 400` of a GGUF file. */
export const kernelFormat = (name: string): KernelFormat | undefined => byName.get(name);

/** Format by GGUF type number. */
export const ggmlFormat = (type: number): KernelFormat | undefined => byNumber.get(type);

/** A format with bits per weight in a tensor. */
export interface StoredFormat {
  readonly format: string;
  readonly bits: number;
}

/** Format of a tensor with rows of `columns` weights, after fallbacks and row scales. */
export function storedIn(name: string, columns: number): StoredFormat {
  const { weights, bits, rowBytes, fallback, family } = byName.get(name)!;
  if (columns % weights !== 0 && fallback !== null) return storedIn(fallback, columns);
  return { format: name, bits: rowBytes === 0 || family === 'int' ? bits : bits + (rowBytes * 8) / columns };
}

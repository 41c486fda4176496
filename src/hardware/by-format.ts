// Tables by format of the weights, as runtimes give them: a kernel format of its own, its family, or all others.
import { kernelFormat } from '../model/door.js';
import type { ByFormat } from './spec.js';

/** The table with each value multiplied. */
export function scaledByFormat(table: ByFormat, factor: number): ByFormat {
  return Object.fromEntries(Object.entries(table).map(([format, value]) => [format, value * factor]));
}

/** Value of a format: its own, that of the format without interleaved rows, of its family, or `default`; undefined where there is none. */
export function byFormat(table: ByFormat, format: string): number | undefined {
  const known = kernelFormat(format);
  return table[format] ?? (known === undefined ? undefined : (table[known.plain] ?? table[known.family])) ?? table.default;
}

import { meanOfPresent } from '../base/statistics.js';
import type { ReportOptions } from './format.js';

const BLOCKS = '▁▂▃▄▅▆▇█';
/** ASCII: darker characters for larger values. */
const CHARACTERS = '.:-=+*#@';

/** Means of neighbours in `width` characters; null is a blank. @returns the line with minimum and maximum, or NaN */
export function sparkline(values: readonly (number | null)[], width: number, { unicode }: Pick<ReportOptions, 'unicode'>) {
  const bin = Math.max(1, Math.ceil(values.length / width));
  const means = Array.from({ length: Math.ceil(values.length / bin) }, (_, column) =>
    meanOfPresent(values.slice(column * bin, (column + 1) * bin)),
  );
  const known = means.filter((value) => value !== null);
  const [least, most] = known.length === 0 ? [Number.NaN, Number.NaN] : [Math.min(...known), Math.max(...known)];
  const glyphs = unicode ? BLOCKS : CHARACTERS;
  const glyph = (value: number): string =>
    // A constant is drawn at half height.
    glyphs[most === least ? glyphs.length / 2 : Math.round(((value - least) / (most - least)) * (glyphs.length - 1))]!;
  return { text: means.map((value) => (value === null ? ' ' : glyph(value))).join(''), least, most };
}

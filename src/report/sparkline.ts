// A sparkline: one character for each value, or for a few neighbours; its height is the value between the least and the largest.
import type { ReportOptions } from './format.js';

const BLOCKS = '▁▂▃▄▅▆▇█';
/** Without Unicode: more ink for more. */
const CHARACTERS = '.:-=+*#@';

/**
 * Draws values in at most `width` columns; where there are more values, each column is the mean of its neighbours.
 * @param values null where there is none: a blank
 * @returns a line of text, and what its lowest and its highest column stand for; NaN where there is no value
 */
export function sparkline(values: readonly (number | null)[], width: number, { unicode }: Pick<ReportOptions, 'unicode'>) {
  const bin = Math.max(1, Math.ceil(values.length / width));
  const means = Array.from({ length: Math.ceil(values.length / bin) }, (_, column) => {
    const present = values.slice(column * bin, (column + 1) * bin).filter((value) => value !== null);
    return present.length === 0 ? null : present.reduce((sum, value) => sum + value, 0) / present.length;
  });
  const known = means.filter((value) => value !== null);
  const [least, most] = known.length === 0 ? [Number.NaN, Number.NaN] : [Math.min(...known), Math.max(...known)];
  const glyphs = unicode ? BLOCKS : CHARACTERS;
  const glyph = (value: number): string =>
    // A constant stands in the middle: it is neither low nor high.
    glyphs[most === least ? glyphs.length / 2 : Math.round(((value - least) / (most - least)) * (glyphs.length - 1))]!;
  return { text: means.map((value) => (value === null ? ' ' : glyph(value))).join(''), least, most };
}

// Ranges in users' notation: `0..99`, `200..`, `..9`, `3`, `0..3,7`; both ends are included, counted from 0.
import { UserError } from '../../base/errors.js';

/**
 * Reads ranges.
 * @param count what there is; larger ends are cut to it
 * @param place names the option, for messages
 * @returns `[from, to)` in ascending order, without overlaps
 * @throws UserError where the text is no list of ranges, or a range is empty or lies beyond `count`
 */
export function parseRanges(text: string, count: number, place: string): [from: number, to: number][] {
  const ranges = text.split(',').map((part): [number, number] => {
    const match = /^(\d*)(\.\.)?(\d*)$/.exec(part.trim());
    if (match === null || (match[1] === '' && match[3] === '')) {
      throw new UserError(`${place}: '${part.trim()}' is no range; write e.g. 0..99, 200.., 7 or 0..3,8`);
    }
    const [, first, dots, last] = match;
    const from = first === '' ? 0 : Number(first);
    const to = dots === undefined ? from + 1 : last === '' ? count : Number(last) + 1;
    if (from >= to && from < count) throw new UserError(`${place}: '${part.trim()}' runs backwards; put the smaller number first`);
    if (from >= count) throw new UserError(`${place}: '${part.trim()}' lies beyond the last one, ${count - 1}`);
    return [from, Math.min(to, count)];
  });
  ranges.sort((a, b) => a[0] - b[0]);
  ranges.forEach(([from], i) => {
    if (i > 0 && from < ranges[i - 1]![1]) throw new UserError(`${place}: ranges of '${text}' overlap; name each number once`);
  });
  return ranges;
}

/** The numbers of ranges, one by one. */
export function numbersIn(ranges: readonly (readonly [number, number])[]): number[] {
  return ranges.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));
}

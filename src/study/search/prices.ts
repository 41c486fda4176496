// The price of a cell: the sum of the prices of its values, or of the parts of a machine.
import type { StudyCell } from '../../figure/table/space.js';

/** By path and value, or part of a value that is written with +. */
export type Prices = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Price of a cell. @param paths of its values, in their order */
export function priceOf(prices: Prices, paths: readonly string[], cell: StudyCell): number {
  return paths.reduce((sum, path, at) => sum + (prices[path] === undefined ? 0 : priceOfValue(prices[path], String(cell[at]))), 0);
}

/** Every value or part has a price: files whose prices lack one are refused. */
function priceOfValue(prices: Readonly<Record<string, number>>, value: string): number {
  return prices[value] ?? value.split('+').reduce((sum, part) => sum + prices[part]!, 0);
}

// How well a run on a prefix of the tokens predicts the whole run, learned from cells that had both.
import { mean } from '../../base/statistics.js';
import type { Observation } from './gaussian-process.js';

/** Residual variance, as a share of that of the short runs, where no cell has had both; and the number of cells that this prior counts as. */
const DOUBT = 0.1;
const DOUBT_CELLS = 2;

/** Predicts whole figures of cells that only ran short, by a line whose slope is shrunk to 1 for few. @param short by cell @param whole runs */
export function longFrom(short: ReadonlyMap<number, number>, whole: readonly Observation[]): Observation[] {
  if (short.size === 0) return [];
  const pairs = whole.flatMap(({ cell, value }) => (short.has(cell) ? [[short.get(cell)!, value] as const] : []));
  const centre = mean([...short.values()]);
  const spread = mean([...short.values()].map((value) => (value - centre) ** 2));
  const [x, y] = [meanOf(pairs.map(([first]) => first)), meanOf(pairs.map(([, second]) => second))];
  const prior = DOUBT_CELLS * spread;
  const xx = pairs.reduce((sum, [first]) => sum + (first - x) ** 2, 0);
  const xy = pairs.reduce((sum, [first, second]) => sum + (first - x) * (second - y), 0);
  const slope = prior + xx === 0 ? 1 : (xy + prior) / (xx + prior);
  const errors = pairs.reduce((sum, [first, second]) => sum + (second - y - slope * (first - x)) ** 2, 0);
  const noise = (errors + DOUBT_CELLS * DOUBT * spread) / (pairs.length + DOUBT_CELLS);
  const ran = new Set(whole.map(({ cell }) => cell));
  return [...short].flatMap(([cell, value]) => (ran.has(cell) ? [] : [{ cell, value: y + slope * (value - x), noise }]));
}

const meanOf = (values: readonly number[]): number => (values.length === 0 ? 0 : mean(values));

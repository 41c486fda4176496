import { mean } from '../../base/statistics.js';
import type { Override } from '../../base/yaml.js';
import { SYNTHETIC_TOKENS } from '../../engine/inputs/inputs.js';
import type { RunSpec } from '../../system/door.js';
import type { Observation } from './gaussian-process.js';

/** Prior residual variance, as a share of short runs' variance, and its weight in cells; ours. */
const DOUBT = 0.1;
const DOUBT_CELLS = 2;

/** Whole figures by a line, slope shrunk to 1. @param short by cell @param whole runs */
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

/** A run on the first part of the routing; null: unknown length of a replayed file. */
export function shorterRun(run: RunSpec, share: number): RunSpec | null {
  const { workload } = run;
  const part = (whole: number): number => Math.max(1, Math.round(share * whole));
  if (arrivesByItself(run))
    return workload.requests === undefined ? null : { ...run, workload: { ...workload, requests: part(workload.requests) } };
  const tokens = workload.tokens ?? (run.trace.includes('synthetic') ? SYNTHETIC_TOKENS : undefined);
  return tokens === undefined ? null : { ...run, workload: { ...workload, tokens: part(tokens) } };
}

/** Length set by {@link shorterRun}, as a flag. */
export function lengthOf(short: RunSpec): Override {
  const field = arrivesByItself(short) ? 'requests' : 'tokens';
  return { path: ['workload', field], value: short.workload[field], label: 'a short run' };
}

const arrivesByItself = ({ workload }: RunSpec): boolean => workload.arrivals !== undefined || workload.rate !== undefined;

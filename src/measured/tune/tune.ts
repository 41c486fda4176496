import type { TunePoint } from '../../advise/door.js';
import { usedOf } from '../../runtime/setting/fits.js';
import type { Speeds } from '../../runtime/setting/goal.js';
import type { Sensitivity } from '../validate/fit.js';
import { bestMeasured, type MeasuredSpeeds, type PointPrior, pointForecasts } from './belief.js';

/** Runs of the benchmark at most, those that failed among them. */
export const MOST_RUNS = 6;
/** Gain below which no more is measured. */
export const CERTAIN = 0.03;
/** Failures but for lack of memory after which, if nothing was measured, nothing more is tried. Ours: something else is wrong. */
const FAILURES = 3;
/** Bytes by which the next point takes less than one that lacked memory, twice as many each time. Ours: half of the margin that advice leaves free. */
const LESS = 2 ** 29;

/** The end of a run: speeds, or why there are none. */
export type RunEnd = MeasuredSpeeds | { readonly failed: string; readonly lacksMemory: boolean };

/** A point that was run, now or before. */
interface TunedRun {
  readonly at: number;
  readonly predicted: Speeds;
  readonly end: RunEnd;
}

/** A finished search. */
export interface Tuned {
  readonly runs: readonly TunedRun[];
  /** Index of the fastest measured point; null: none ran. */
  readonly best: number | null;
  /** By how much some other point may be faster, a share; 0: none is left; null: nothing is measured. */
  readonly left: number | null;
}

/** What a search takes: points with their priors, other speeds of the machine, and what was run before. */
export interface Tuning {
  readonly points: readonly Pick<TunePoint, 'devices'>[];
  readonly priors: readonly PointPrior[];
  readonly others: readonly Sensitivity[];
  readonly before: ReadonlyMap<number, RunEnd>;
  /** Smaller is better. */
  cost(speeds: Speeds): number;
  run(at: number, predicted: Speeds): Promise<RunEnd>;
  tell(run: TunedRun, left: Tuned['left']): void;
}

/** Tuning: measures the point that may still be fastest, until none is likely to gain 3 %. If one lacks memory, no larger one is tried. */
export async function tune(tuning: Tuning): Promise<Tuned> {
  const { before, cost, others, priors, run, tell } = tuning;
  const ends = new Map(before);
  const prior = pointForecasts(priors, new Map(), others, cost);
  const runs: TunedRun[] = [...before].map(([at, end]) => ({ at, predicted: prior[at]!, end }));
  let state = stateOf(tuning, ends);
  while (state.next !== null && runs.length < MOST_RUNS) {
    const { left, next, forecasts } = state;
    const broken = runs.filter(({ end }) => 'failed' in end && !end.lacksMemory).length;
    if (left === null ? broken >= FAILURES : left <= CERTAIN) break;
    const predicted = forecasts[next]!;
    const done: TunedRun = { at: next, predicted, end: await run(next, predicted) };
    ends.set(next, done.end);
    runs.push(done);
    state = stateOf(tuning, ends);
    tell(done, state.left);
  }
  return { runs, best: state.best, left: state.left };
}

/** What is known, and the point to run next; null: there is none. */
function stateOf({ cost, others, points, priors }: Tuning, ends: ReadonlyMap<number, RunEnd>) {
  const measured = new Map([...ends].filter((end): end is [number, MeasuredSpeeds] => !('failed' in end[1])));
  const forecasts = pointForecasts(priors, measured, others, cost);
  const lacking = [...ends].flatMap(([at, end]) => ('failed' in end && end.lacksMemory ? [points[at]!.devices] : []));
  const less = LESS * 2 ** (lacking.length - 1);
  // About as much memory on every device as one that lacked some.
  const mayLack = (at: number): boolean =>
    lacking.some((devices) => points[at]!.devices.every((device, i) => usedOf(device) > usedOf(devices[i]!) - less));
  // Without a measured point the cheapest by prediction comes first.
  const rank = (at: number): number => forecasts[at]!.gain ?? -cost(forecasts[at]!);
  let next: number | null = null;
  for (const at of points.keys()) if (!ends.has(at) && !mayLack(at) && (next === null || rank(at) > rank(next))) next = at;
  const best = bestMeasured(measured, cost);
  return { best, left: best === null ? null : Math.max(0, next === null ? 0 : forecasts[next]!.gain!), next, forecasts };
}

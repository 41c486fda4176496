import type { TunePoint } from '../../advise/door.js';
import { type Speeds, usedOf } from '../../runtime/door.js';
import type { Sensitivity } from '../validate/fit.js';
import { bestMeasured, type MeasuredSpeeds, type PointPrior, pointForecasts } from './belief.js';

/** Most benchmark runs, failures included; ours. */
export const MOST_RUNS = 6;
/** Relative gain below which a search stops; ours. */
export const CERTAIN = 0.03;
/** Failures that end a search without measurements; ours. Lack of memory does not count. */
const FAILURES = 3;
/** Bytes less than a point that lacked memory, doubled at each failure. Ours: half of advice's margin. */
const LESS = 2 ** 29;

/** Measured speeds, or a failure. */
export type RunEnd = MeasuredSpeeds | { readonly failed: string; readonly lacksMemory: boolean };

interface TunedRun {
  readonly at: number;
  readonly predicted: Speeds;
  readonly end: RunEnd;
}

/** A finished search. */
export interface Tuned {
  readonly runs: readonly TunedRun[];
  /** Index of the fastest measured point; null: no success. */
  readonly best: number | null;
  /** Possible gain of a remaining point, as a share; 0: no point is left; null: no measurement. */
  readonly left: number | null;
}

/** Input of a search. */
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

/** Measures the most promising point until no point is likely to gain 3 %, and skips points that may lack memory. */
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

function stateOf({ cost, others, points, priors }: Tuning, ends: ReadonlyMap<number, RunEnd>) {
  const measured = new Map([...ends].filter((end): end is [number, MeasuredSpeeds] => !('failed' in end[1])));
  const forecasts = pointForecasts(priors, measured, others, cost);
  const lacking = [...ends].flatMap(([at, end]) => ('failed' in end && end.lacksMemory ? [points[at]!.devices] : []));
  const less = LESS * 2 ** (lacking.length - 1);
  // True for about as much memory on every device as a failed point.
  const mayLack = (at: number): boolean =>
    lacking.some((devices) => points[at]!.devices.every((device, i) => usedOf(device) > usedOf(devices[i]!) - less));
  // Without measurements, the cheapest predicted point comes first.
  const rank = (at: number): number => forecasts[at]!.gain ?? -cost(forecasts[at]!);
  let next: number | null = null;
  for (const at of points.keys()) if (!ends.has(at) && !mayLack(at) && (next === null || rank(at) > rank(next))) next = at;
  const best = bestMeasured(measured, cost);
  return { best, left: best === null ? null : Math.max(0, next === null ? 0 : forecasts[next]!.gain!), next, forecasts };
}

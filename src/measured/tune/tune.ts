import type { TunePoint } from '../../advise/door.js';
import type { TaughtFigure } from '../../hardware/door.js';
import { type Speeds, usedOf } from '../../runtime/door.js';
import { beliefOf, type CostOf, judged, mostInformative, PHASES, type TunedFigures } from './choice.js';

/** Most benchmark runs, failures included; ours. */
export const MOST_RUNS = 6;
/** Chance of the choice at which a search ends; ours. */
export const SURE = 0.9;
/** Failures that end a search without measurements; ours. Lack of memory does not count. */
const FAILURES = 3;
/** Bytes less than a point that lacked memory, doubled at each failure. Ours: half of advice's margin. */
const LESS = 2 ** 29;

/** Measured speeds, or a failure. */
export type RunEnd = Speeds | { readonly failed: string; readonly lacksMemory: boolean };

interface TunedRun {
  readonly at: number;
  readonly predicted: Speeds;
  readonly end: RunEnd;
}

/** A finished search. */
export interface Tuned {
  readonly runs: readonly TunedRun[];
  /** Index of the measured point of least expected cost; null: no success. */
  readonly best: number | null;
  /** Chance that no point is faster by more than 3 %; null: no measurement. */
  readonly chance: number | null;
  /** Expected speeds of all points. */
  readonly expected: readonly Speeds[];
}

/** Input of a search. */
export interface Tuning {
  readonly points: readonly Pick<TunePoint, 'devices'>[];
  readonly figures: readonly TunedFigures[];
  readonly others: readonly TaughtFigure[];
  readonly before: ReadonlyMap<number, RunEnd>;
  readonly cost: CostOf;
  /** Most runs; absent: {@link MOST_RUNS}. */
  readonly most?: number;
  run(at: number, predicted: Speeds): Promise<RunEnd>;
  tell(run: TunedRun, chance: Tuned['chance']): void;
}

/** Runs the most informative point until the choice is sure, and skips points that may lack memory. */
export async function tune(tuning: Tuning): Promise<Tuned> {
  const { before, cost, figures, most = MOST_RUNS, others, run, tell } = tuning;
  const ends = new Map(before);
  const prior = beliefOf(figures, others, cost).speeds;
  const runs: TunedRun[] = [...before].map(([at, end]) => ({ at, predicted: prior[at]!, end }));
  let state = stateOf(tuning, ends);
  while (state.next !== null && runs.length < most) {
    const { chance, next, speeds } = state;
    const broken = runs.filter(({ end }) => 'failed' in end && !end.lacksMemory).length;
    if (chance === null ? broken >= FAILURES : chance >= SURE) break;
    const predicted = speeds[next]!;
    const done: TunedRun = { at: next, predicted, end: await run(next, predicted) };
    ends.set(next, done.end);
    runs.push(done);
    state = stateOf(tuning, ends);
    tell(done, state.chance);
  }
  return { runs, best: state.best, chance: state.chance, expected: state.speeds };
}

function stateOf({ cost, figures, others, points }: Tuning, ends: ReadonlyMap<number, RunEnd>) {
  const measured = [...ends].filter((end): end is [number, Speeds] => !('failed' in end[1]));
  const taught = [...others, ...measured.flatMap(([at, speeds]) => taughtBy(figures[at]!, speeds))];
  const belief = beliefOf(figures, taught, cost);
  const lacking = [...ends].flatMap(([at, end]) => ('failed' in end && end.lacksMemory ? [points[at]!.devices] : []));
  const less = LESS * 2 ** (lacking.length - 1);
  // True for about as much memory on every device as a failed point.
  const mayLack = (at: number): boolean =>
    lacking.some((devices) => points[at]!.devices.every((device, i) => usedOf(device) > usedOf(devices[i]!) - less));
  const unrun = [...points.keys()].filter((at) => !ends.has(at) && !mayLack(at));
  const ran = measured.map(([at]) => at);
  const cheapest = (among: readonly number[]): number | null =>
    among.reduce<number | null>((best, at) => (best === null || belief.costs[at]! < belief.costs[best]! ? at : best), null);
  const [best, open] = [cheapest(ran), [...ran, ...unrun]];
  const chosen = best ?? cheapest(unrun);
  if (chosen === null) return { best, chance: null, next: null, speeds: belief.speeds };
  const broken = [...ends].flatMap(([at, end]) => ('failed' in end && !end.lacksMemory ? [at] : []));
  if (best === null && broken.length > 0)
    return { best, chance: null, next: cheapest(unlike(figures, broken, unrun)), speeds: belief.speeds };
  const choice = judged(belief, chosen, open);
  const next = unrun.length === 0 ? null : mostInformative(figures, taught, cost, chosen, choice, unrun);
  return { best, chance: best === null ? null : choice.chance, next, speeds: belief.speeds };
}

/** Of the open points those that differ in most from all broken ones. */
function unlike(figures: readonly TunedFigures[], broken: readonly number[], open: readonly number[]): number[] {
  const place = (at: number): readonly number[] => figures[at]!.prefill.along ?? [];
  const apart = open.map((at) => Math.min(...broken.map((other) => place(at).filter((value, k) => value !== place(other)[k]).length)));
  return open.filter((_, i) => apart[i] === Math.max(...apart));
}

/** Measured speeds of a point, for the posterior. */
function taughtBy(figures: TunedFigures, speeds: Speeds): TaughtFigure[] {
  return PHASES.map((phase) => {
    const { speed, ...figure } = figures[phase];
    return { ...figure, residual: Math.log(speed / speeds[phase]) };
  });
}

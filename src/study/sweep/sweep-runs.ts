import { UserError } from '../../base/errors.js';
import type { WorkWatch } from '../../base/work-watch.js';
import type { Override } from '../../base/yaml.js';
import { simulateRun } from '../../engine/simulate.js';
import type { Outcome, SweepValue } from '../../figure/door.js';
import { checkRun, commandOfInput, type RunCommand, type RunInput, type RunSpec, repeatable } from '../../system/door.js';
import { bySystem, equalFooting } from './equal-footing.js';
import {
  checkAxes,
  combinations,
  RATE_PATH,
  ratesAround,
  resultsIn,
  type Sweep,
  type SweepAxis,
  servedPerSecond,
  sweepOf,
} from './sweep.js';

/** Requests per second, or `auto` for rates around saturation; null: not varied. */
type Rates = readonly number[] | 'auto' | null;

interface SweepJob {
  readonly axes: readonly SweepAxis[];
  readonly rates: Rates;
  specOf(varied: readonly Override[]): RunSpec;
  commandOf(varied: readonly Override[]): RunCommand;
  /** Outcomes in order; runs are made lazily. */
  runAll(runs: readonly (() => RunSpec)[]): Promise<Outcome[]>;
}

/** Requests per second of a practically simultaneous arrival; ours. */
const AT_ONCE = 1e6;

/** @throws UserError for too many runs, or a duplicate value */
export function checkSweep(axes: readonly SweepAxis[], rates: Rates): void {
  checkAxes([...axes, ...(Array.isArray(rates) ? [{ path: RATE_PATH, values: rates }] : [])]);
}

/** Runs a sweep, for command and library. */
export async function sweepRuns({ axes, rates, specOf, commandOf: toldOf, runAll }: SweepJob): Promise<Sweep> {
  const varied = (all: readonly SweepAxis[], values: readonly SweepValue[]): Override[] =>
    values.map((value, i) => ({ path: all[i]!.path.split('.'), value, label: `--vary ${all[i]!.path}` }));
  const systems = bySystem(
    combinations(axes),
    axes.map(({ path }) => path),
  );
  const alike = await equalFooting(systems.map((values) => () => specOf(varied(axes, values))));
  const run = async (all: readonly SweepAxis[]): Promise<Outcome[]> => {
    const points = combinations(all).map((values) => [...varied(all, values), ...alike]);
    const outcomes = await runAll(points.map((overrides) => () => specOf(overrides)));
    return outcomes.map((outcome, i) =>
      outcome.status === 'done' ? { ...outcome, result: repeatable(outcome.result, toldOf(points[i]!)) } : outcome,
    );
  };
  if (rates === null) return sweepOf(axes, await run(axes), []);
  const atOnce = await run([...axes, { path: RATE_PATH, values: [AT_ONCE] }]);
  const byRate = [...axes, { path: RATE_PATH, values: rates === 'auto' ? ratesAround(resultsIn(atOnce).map(servedPerSecond)) : rates }];
  return sweepOf(byRate, await run(byRate), atOnce);
}

/** `moeprof sweep`. @param vary values by path; the last moves first @throws UserError if nothing varies */
export async function sweepFor(
  input: RunInput,
  vary: Readonly<Record<string, readonly SweepValue[]>>,
  { rates = null, ...watch }: WorkWatch & { readonly rates?: Rates } = {},
): Promise<Sweep> {
  const axes = Object.entries(vary).map(([path, values]) => ({ path, values }));
  if (rates === null && axes.length === 0)
    throw new UserError("nothing varies; give values by path, e.g. { 'workload.batch': [1, 8] }, or rates");
  checkSweep(axes, rates);
  const specOf = (varied: readonly Override[]): RunSpec => checkRun(input, 'sweep', varied);
  const commandOf = (varied: readonly Override[]): RunCommand => commandOfInput(input, varied);
  const runAll = async (runs: readonly (() => RunSpec)[]): Promise<Outcome[]> => {
    const outcomes: Outcome[] = [];
    for (const make of runs) outcomes.push({ status: 'done', result: await simulateRun(make(), watch) });
    return outcomes;
  };
  return sweepRuns({ axes, rates, specOf, commandOf: commandOf, runAll });
}

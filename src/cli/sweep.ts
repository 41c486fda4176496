import type { Command } from 'commander';
import { isSeq, parseDocument } from 'yaml';
import { UserError } from '../base/errors.js';
import { isPath, isStdin } from '../base/profiles.js';
import { flagValue, type Override, QUIET } from '../base/yaml.js';
import type { Outcome, SweepValue } from '../figure/door.js';
import { checkSweep, isStudy, RATE_PATH, type Sweep, type SweepAxis, sweepReports, sweepRuns, wholeNumbersOf } from '../study/door.js';
import type { RunSpec } from '../system/door.js';
import type { CliContext } from './kit/context.js';
import { declared } from './kit/declared.js';
import { metricNames, parseJobs } from './kit/options.js';
import { deliver } from './kit/outputs.js';
import { listed, namesIn } from './listed.js';
import { runCommandOf, runOf } from './run-options.js';
import { storeOf } from './study-options.js';
import { SWEEP, type SweepFlags } from './sweep-flags.js';

/** Help. */
export const help = `Examples:
  moeprof sweep -t routing.safetensors --batch 16 --rates 0.5,1,2,4
  moeprof sweep -t routing.safetensors --batch 16 --rates auto --slo ttft=2s
  moeprof sweep my-run.yaml --workload arrivals.csv --rates auto -o sweep.csv
  moeprof sweep --vary memory.expertCache=10%,25%,50% --vary workload.batch=1,8
  moeprof sweep my-mtp-run.yaml --vary workload.speculation.draft=0..8
  moeprof sweep --batch 16 --rates auto --vary system.scheduler=fcfs,static
  moeprof sweep my-study.yaml -o study.csv -o study.parquet
  moeprof sweep my-study.yaml --shard 1/4
  moeprof sweep my-study.yaml --queue redis://localhost:6379/0`;

/** `moeprof sweep`. */
export function define(command: Command, context: CliContext): void {
  declared(command, SWEEP, { first: ['--rates', '--vary', '-m', '-w', '-t', '-o'] }).action(
    async (profile: string | undefined, options: SweepFlags) => {
      const metrics = options.metrics === undefined ? [] : metricNames(options.metrics, '--metrics');
      const threads = parseJobs(options.jobs);
      if (profile !== undefined && isPath(profile) && isStudy(profile)) {
        const { runStudy } = await import('./study.js');
        await runStudy(profile, options, metrics, threads, context);
        return;
      }
      if (options.shard !== undefined) throw new UserError('--shard: divides the cells of a study among machines; give a study.yaml');
      if (options.queue !== undefined) throw new UserError('--queue: has the cells of a study run by workers; give a study.yaml');
      if (options.queuePrefix !== undefined) throw new UserError('--queue-prefix: says where on a server; name it with --queue');
      if (options.queueKey !== undefined) throw new UserError('--queue-key: seals what goes through a server; name it with --queue');
      const long = options.output.find((path) => /^(?:jsonl|parquet)=|\.(?:jsonl|ndjson|parquet)$/.test(path));
      if (long !== undefined) throw new UserError(`-o ${long}: is for a study.yaml; of options, moeprof table reads --store FOLDER`);
      const view = async () => ({ sweep: await sweep(profile, options, threads, context), metrics });
      await deliver(context, sweepReports, options, view, options.trace);
    },
  );
}

async function sweep(profile: string | undefined, given: SweepFlags, threads: number | undefined, context: CliContext): Promise<Sweep> {
  const { axes, options, rates } = axesOf(given);
  if (rates !== null && options.rate !== undefined)
    throw new UserError('--rate: the rates are varied; leave it out, or vary something else');
  if (rates === null && axes.length === 0)
    throw new UserError('nothing varies; write e.g. --rates 0.5,1,2 or --vary memory.expertCache=25%,50%');
  checkSweep(axes, rates);
  const base = runOf(profile, options);
  if (base.trace.some(isStdin)) throw new UserError('--trace -: a trace on stdin can be read only once; give it as a file');
  const { runStored } = await import('./run-stored.js');
  const bySystem = axes.some(({ path }) => path === 'system');
  // As in `moeprof run -s a,b`, a system that fixes its own cache ignores --cache.
  const optionsFor = (varied: readonly Override[]): SweepFlags =>
    bySystem && options.cache !== undefined && runOf(profile, options, varied).system.cache.capacity !== undefined
      ? { ...options, cache: undefined }
      : options;
  const specOf = (varied: readonly Override[]): RunSpec => runOf(profile, optionsFor(varied), varied);
  const commandOf = (varied: readonly Override[]) => runCommandOf(profile, optionsFor(varied), varied);
  const store = storeOf(given, null);
  const runAll = async (runs: readonly (() => RunSpec)[]): Promise<Outcome[]> => {
    const outcomes = new Array<Outcome>(runs.length);
    await runStored(runs.length, runs, context, { store, threads }, (index, _, outcome) => {
      if (outcome.status === 'failed') throw new Error(outcome.reason);
      outcomes[index] = outcome;
    });
    return requireOutcome(outcomes);
  };
  return sweepRuns({ axes, rates, specOf, commandOf: commandOf, runAll });
}

/** @throws UserError with the first reason if no combination can run */
function requireOutcome(outcomes: readonly Outcome[]): Outcome[] {
  const [first] = outcomes;
  if (first !== undefined && 'reason' in first && outcomes.every(({ status }) => status !== 'done')) throw new UserError(first.reason);
  return [...outcomes];
}

/** Axes, including `-s a,b` and `-w a,b`; rates (null: not varied); remaining options. */
function axesOf(options: SweepFlags): { axes: SweepAxis[]; rates: readonly number[] | 'auto' | null; options: SweepFlags } {
  const several = (['system', 'hardware'] as const).filter((name) => options[name]?.includes(',') === true);
  const named = several.map((name): SweepAxis => ({ path: name, values: namesIn(options[name]!, `--${name}`) }));
  const varied = options.vary.map(axisOf);
  const byRate = varied.filter(({ path }) => path === RATE_PATH).map(({ values }) => values.join());
  if (options.rates !== undefined) byRate.push(options.rates);
  if (byRate.length > 1) throw new UserError('--rates: the rate is varied twice; give all rates at once');
  const [text] = byRate;
  return {
    axes: [...named, ...varied.filter(({ path }) => path !== RATE_PATH)],
    rates: text === undefined ? null : text === 'auto' ? text : ratesIn(text),
    options: { ...options, ...Object.fromEntries(several.map((name) => [name, undefined])) },
  };
}

/** @throws UserError unless a rate */
const ratesIn = (text: string): number[] =>
  text.split(',').map((part) => {
    const rate = Number(part);
    if (part.trim() !== '' && rate > 0 && Number.isFinite(rate)) return rate;
    throw new UserError(`--rates ${text}: '${part}' is no rate; write requests per second, e.g. 0.5,1,2, or auto`);
  });

/** `path=a,b,c` (with parameters `a:x=1`), ranges `0..8`, or `path=[a, "b,c"]` for commas. @throws UserError */
function axisOf(text: string): SweepAxis {
  const equals = text.indexOf('=');
  const path = text.slice(0, Math.max(0, equals)).trim();
  const given = text.slice(equals + 1).trim();
  const wrong = (why: string): UserError =>
    new UserError(`--vary ${text}: ${why}; write path=a,b, e.g. --vary workload.batch=1,8, and [a, "b,c"] where a value has a comma`);
  if (equals <= 0 || path.split('.').includes('')) throw wrong('has no path');
  let values: unknown;
  try {
    const document = parseDocument(given, QUIET);
    values =
      given.startsWith('[') && isSeq(document.contents)
        ? document.toJS()
        : listed(given).flatMap((part): unknown[] => wholeNumbersOf(part) ?? [flagValue(part)]);
  } catch (error) {
    throw wrong(error instanceof UserError ? error.message : 'is not YAML');
  }
  const plain = (value: unknown): value is SweepValue => ['string', 'number', 'boolean'].includes(typeof value);
  if (!Array.isArray(values) || values.length === 0 || !values.every(plain)) throw wrong('has a value that is empty or no plain value');
  return { path, values };
}

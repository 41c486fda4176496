// `moeprof sweep`: the same run many times with other values, several runs at a time: by rate, to the point where no more gets through, or
// by any value of the run.
import type { Command } from 'commander';
import { isSeq, parseDocument, parse as parseYaml } from 'yaml';
import { UserError } from '../base/errors.js';
import { isStdin } from '../base/profiles.js';
import type { Override } from '../base/yaml.js';
import {
  checkAxes,
  combinations,
  RATE_PATH,
  ratesAround,
  type Sweep,
  type SweepAxis,
  type SweepValue,
  servedPerSecond,
  sweepOf,
} from '../explore/sweep.js';
import { sweepReports } from '../explore/sweep-report.js';
import { describeMetric } from '../result/catalogue.js';
import type { Result } from '../result/result.js';
import type { RunSpec } from '../system/run.js';
import type { CliContext } from './context.js';
import { addOutputOptions, collect, jobsOption, type OutputOptions, parseJobs } from './options.js';
import { deliver } from './outputs.js';
import { namesIn } from './run-many.js';
import { addRunOptions, type RunFlags, runOf } from './run-options.js';

interface SweepOptions extends RunFlags, OutputOptions {
  readonly rates?: string;
  readonly vary: readonly string[];
  readonly metrics?: string;
  readonly jobs?: string;
}

const EXAMPLES = `
Examples:
  moeprof sweep -t routing.safetensors --batch 16 --rates 0.5,1,2,4
  moeprof sweep -t routing.safetensors --batch 16 --rates auto --slo ttft=2s
  moeprof sweep my-run.yaml --workload arrivals.csv --rates auto -o sweep.csv
  moeprof sweep --vary memory.expertCache=10%,25%,50% --vary workload.batch=1,8
  moeprof sweep my-mtp-run.yaml --vary workload.speculation.draft=0..8
  moeprof sweep --batch 16 --rates auto --vary system.scheduler=fcfs,static
`;

/** Requests per second at which all arrive as good as at once. */
const AT_ONCE = 1e6;

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  command
    .argument('[profile]', 'run profile: a YAML file or a bundled name; without it and without -m -t -w -s, the quick start')
    .optionsGroup('What varies:')
    .option('--rates <list>', "requests per second, e.g. 0.5,1,2; 'auto': around what can be served")
    .option(
      '--vary <path=values>',
      'values of the run, system.*, hardware.* or model.*, e.g. workload.batch=1,8 or 1..8; repeatable',
      collect,
      [],
    )
    .option('--metrics <names>', 'metrics to show, with commas (moeprof explain lists them)');
  addRunOptions(command.addOption(jobsOption()));
  addOutputOptions(command, sweepReports)
    .addHelpText('after', EXAMPLES)
    .action(async (profile: string | undefined, options: SweepOptions) => {
      const metrics = options.metrics === undefined ? [] : options.metrics.split(',').map(metricNamed);
      const threads = parseJobs(options.jobs);
      const view = async () => ({ sweep: await sweep(profile, options, threads, context), metrics });
      await deliver(context, sweepReports, options, view, options.trace);
    });
}

async function sweep(profile: string | undefined, given: SweepOptions, threads: number | undefined, context: CliContext): Promise<Sweep> {
  const { axes, options, rates } = axesOf(given);
  if (rates !== null && options.rate !== undefined)
    throw new UserError('--rate: the rates are varied; leave it out, or vary something else');
  if (rates === null && axes.length === 0) {
    throw new UserError('nothing varies; write e.g. --rates 0.5,1,2 or --vary memory.expertCache=25%,50%');
  }
  checkAxes([...axes, ...(Array.isArray(rates) ? [{ path: RATE_PATH, values: rates }] : [])]);
  const base = runOf(profile, options);
  if (base.trace.some(isStdin)) throw new UserError('--trace -: a trace on stdin can be read only once; give it as a file');
  // Where nobody said how requests arrive, they come independently of each other.
  const drawn = rates !== null && base.workload.arrivals === undefined;
  const fixed: Override[] = drawn ? [{ path: ['workload', 'arrivals'], value: 'poisson', label: '--rates' }] : [];
  const { runAll } = await import('./run-pool.js');
  const bySystem = axes.some(({ path }) => path === 'system');
  const runWith = (varied: readonly Override[]): RunSpec => {
    const spec = runOf(profile, options, varied);
    // As with `moeprof run -s a,b`: among several systems, one that fixes its own cache goes without --cache.
    return bySystem && options.cache !== undefined && spec.system.cache.capacity !== undefined
      ? runOf(profile, { ...options, cache: undefined }, varied)
      : spec;
  };
  const run = (all: readonly SweepAxis[]): Promise<Result[]> => {
    const runs = combinations(all).map((values) => {
      const varied = values.map((value, i) => ({ path: all[i]!.path.split('.'), value, label: `--vary ${all[i]!.path}` }));
      return runWith([...fixed, ...varied]);
    });
    return runAll(runs, context, threads);
  };
  if (rates === null) return sweepOf(axes, await run(axes), []);
  const atOnce = await run([...axes, { path: RATE_PATH, values: [AT_ONCE] }]);
  const byRate = [...axes, { path: RATE_PATH, values: rates === 'auto' ? ratesAround(atOnce.map(servedPerSecond)) : rates }];
  return sweepOf(byRate, await run(byRate), atOnce);
}

/** What is varied beside the rate, `-s a,b` and `-w a,b` included; the rates, null: not varied; and the options without all these. */
function axesOf(options: SweepOptions): { axes: SweepAxis[]; rates: readonly number[] | 'auto' | null; options: SweepOptions } {
  const listed = (['system', 'hardware'] as const).filter((name) => options[name]?.includes(',') === true);
  const named = listed.map((name): SweepAxis => ({ path: name, values: namesIn(options[name]!, `--${name}`) }));
  const varied = options.vary.map(axisOf);
  const byRate = varied.filter(({ path }) => path === RATE_PATH).map(({ values }) => values.join());
  if (options.rates !== undefined) byRate.push(options.rates);
  if (byRate.length > 1) throw new UserError('--rates: the rate is varied twice; give all rates at once');
  const [text] = byRate;
  return {
    axes: [...named, ...varied.filter(({ path }) => path !== RATE_PATH)],
    rates: text === undefined ? null : text === 'auto' ? text : ratesIn(text),
    options: { ...options, ...Object.fromEntries(listed.map((name) => [name, undefined])) },
  };
}

/** @throws UserError where one is no rate */
function ratesIn(text: string): number[] {
  return text.split(',').map((part) => {
    const rate = Number(part);
    if (part.trim() !== '' && rate > 0 && Number.isFinite(rate)) return rate;
    throw new UserError(`--rates ${text}: '${part}' is no rate; write requests per second, e.g. 0.5,1,2, or auto`);
  });
}

/** Most values of a range. */
const LONGEST_RANGE = 1000;

/** The whole numbers of `0..8`, both ends included; null: it is no range. @throws UserError where it has no number, or too many */
function rangeOf(text: string, wrong: (why: string) => UserError): number[] | null {
  const [, first, last] = /^(-?\d+)\.\.(-?\d+)$/.exec(text) ?? [];
  if (first === undefined) return null;
  const length = Number(last) - Number(first) + 1;
  if (length < 1) throw wrong(`${text} ends before it begins`);
  if (length > LONGEST_RANGE) throw wrong(`${text} has more than ${LONGEST_RANGE} values`);
  return Array.from({ length }, (_, i) => Number(first) + i);
}

/**
 * Reads `path=a,b,c` and ranges of whole numbers, `path=0..8` or `path=0,2..4`; or `path=[a, "b,c"]` where a value has a comma.
 * @throws UserError
 */
function axisOf(text: string): SweepAxis {
  const equals = text.indexOf('=');
  const path = text.slice(0, Math.max(0, equals)).trim();
  const listed = text.slice(equals + 1).trim();
  const wrong = (why: string): UserError =>
    new UserError(`--vary ${text}: ${why}; write path=a,b, e.g. --vary workload.batch=1,8, and [a, "b,c"] where a value has a comma`);
  if (equals <= 0 || path.split('.').includes('')) throw wrong('has no path');
  let values: unknown;
  try {
    const document = parseDocument(listed);
    values =
      listed.startsWith('[') && isSeq(document.contents)
        ? document.toJS()
        : listed.split(',').flatMap((part) => rangeOf(part.trim(), wrong) ?? [parseYaml(part.trim())]);
  } catch (error) {
    throw error instanceof UserError ? error : wrong('is not YAML');
  }
  const plain = (value: unknown): value is SweepValue => ['string', 'number', 'boolean'].includes(typeof value);
  if (!Array.isArray(values) || values.length === 0 || !values.every(plain)) throw wrong('has a value that is empty or no plain value');
  return { path, values };
}

/** @throws UserError with the nearest name */
function metricNamed(name: string): string {
  try {
    return describeMetric(name.trim()).name;
  } catch (error) {
    throw new UserError(`--metrics: ${(error as Error).message}`);
  }
}

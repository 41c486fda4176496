import type { Command } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import { existsSync } from '../base/host/files.js';
import { join } from '../base/host/paths.js';
import { isFolder } from '../base/input-file.js';
import { didYouMean } from '../base/text.js';
import { formatCount } from '../base/units.js';
import { changeText } from '../compare/judge.js';
import { formatMetric, jsonReport, printable, ruledTable, shorten, sparkline, tableReport } from '../report/door.js';
import { changeOf } from '../result/amount.js';
import type { MetricName } from '../result/metrics.js';
import { readResult } from '../result/read.js';
import type { Result } from '../result/result.js';
import { tokensRun } from '../result/work-done.js';
import { baselineFolder, baselineNames, dated, statesOf, writeBaseline } from './baseline-history.js';
import type { CliContext } from './kit/context.js';
import { type OptionsOf, options, subcommand } from './kit/declared.js';
import { ALLOW_CODE } from './kit/groups.js';
import { metricNames } from './kit/options.js';
import { FILE_OPTIONS } from './kit/outputs.js';
import { loadOperands } from './operands.js';
import { BASELINES, namesBelow, scenarioFiles } from './scenarios.js';

const SAVE = options({
  '<name>': 'name of the baseline, e.g. main',
  '<run...>': 'results, run profiles, or folders of them',
  '--force': 'replace scenarios that are there already',
  ...ALLOW_CODE,
});

const SHOW = options({
  '<name[/scenario]>': 'as list prints it; the scenario may be left out where there is only one',
});

const LOG = options({
  '<name[/scenario]>': 'as list prints it; without a scenario, all of them',
  '--metric <name>': ['which metric', { default: 'latency.tpot.mean' }],
});

/** Help. */
export const help = `Examples:
  moeprof baseline save main runs/                run all profiles and keep them
  moeprof baseline save main result.json --force
  moeprof baseline list
  moeprof baseline show main/code
  moeprof baseline log main --metric latency.tpot.mean
  moeprof compare baseline:main runs/
  moeprof compare --against main~3 runs/`;

/** `moeprof baseline`: plain files `.moeprof/baselines/<name>/<scenario>.json` that can be committed. */
export function define(command: Command, context: CliContext): void {
  subcommand(command, 'save', SAVE, {
    summary: 'keep results under a name',
    description: 'Keep results under a name; run profiles are run first.',
  }).action((name: string, runs: string[], options: SaveOptions) => save(name, runs, options, context));
  subcommand(command, 'list', {}, { summary: 'what has been saved', description: 'List what has been saved.' }).action(() =>
    context.out(list(context)),
  );
  subcommand(command, 'show', SHOW, {
    summary: 'a saved result',
    description: 'Show a saved result; moeprof report renders it in other formats.',
  }).action((wanted: string) => context.out(tableReport.render(readResult(pathOf(wanted)), context.reportOptions)));
  subcommand(command, 'log', LOG, {
    summary: 'how a metric went from state to state',
    description: 'How a metric went, each time that saving with --force or --update-baseline changed a figure.',
  }).action((wanted: string, { metric }: OptionsOf<typeof LOG>) => context.out(log(wanted, metricNames(metric, '--metric')[0]!, context)));
}

type SaveOptions = OptionsOf<typeof SAVE>;

async function save(name: string, runs: readonly string[], { allowCode, force }: SaveOptions, context: CliContext): Promise<void> {
  if (!/^[\w][\w.-]*$/.test(name)) throw new UserError(`"${name}" is no name for a baseline; use letters, digits, ".", "_" and "-"`);
  const files = new Map<string, string>();
  for (const set of await loadOperands(runs, context, { allowCode, details: false })) {
    for (const [scenario, { label, result }] of set.scenarios) {
      const path = join(BASELINES, name, `${scenario}.json`);
      if (files.has(path)) throw new UserError(`${label}: another run is of scenario ${scenario} too; rename its file`);
      if (!force && existsSync(path)) throw new UserError(`${path}: is there already; pass --force to replace it`);
      files.set(path, jsonReport.render(dated(result), FILE_OPTIONS));
    }
  }
  writeBaseline(join(BASELINES, name), files);
  for (const path of files.keys()) context.note(`saved ${path}`);
}

/** History of a metric, latest first. @throws UserError for an unknown baseline or scenario */
function log(wanted: string, metric: string, context: CliContext): string {
  const options = context.reportOptions;
  const name = baselineNames().find((baseline) => wanted === baseline || wanted.startsWith(`${baseline}/`)) ?? wanted;
  baselineFolder(name, 'runs/', EXIT.input);
  const states = statesOf(name).map(({ folder, name: state }) => {
    const names = namesBelow(folder).filter((file) => file.endsWith('.json'));
    const results = scenarioFiles(names, folder).map((file) => [file.scenario, readResult(join(folder, file.name))] as const);
    return { state, results: new Map(results) };
  });
  const all = [...new Set(states.flatMap(({ results }) => [...results.keys()]))].sort();
  const scenarios = wanted === name ? all : all.filter((scenario) => wanted === `${name}/${scenario}`);
  if (scenarios.length === 0) throw new UserError(`baseline ${name} has no scenario "${wanted.slice(name.length + 1)}": ${all.join(', ')}`);
  const blocks = scenarios.map((scenario) => {
    const metrics = states.map(({ results }) => results.get(scenario)?.metrics[metric]);
    const line = sparkline(metrics.map((metric) => metric?.value ?? null).toReversed(), 40, options);
    const unit = metrics.find((metric) => metric !== undefined)?.unit;
    const range =
      unit === undefined
        ? 'no state has it'
        : `${formatMetric({ value: line.least, unit })} to ${formatMetric({ value: line.most, unit })}`;
    const rows = states.flatMap(({ results, state }, index) => {
      const [now, before] = [metrics[index], metrics[index + 1]];
      const result = results.get(scenario);
      if (result === undefined) return [];
      const change =
        now === undefined || before === undefined || changeOf(before.value, now.value) === 0 ? '' : changeText(before.value, now);
      return [[state, String(result.environment.saved ?? '-'), now === undefined ? '-' : formatMetric(now), change]];
    });
    const head = printable(`${name}/${scenario}  ${metric}  ${line.text.trim()}  ${range}`);
    return `${head}\n\n${ruledTable(['state', 'saved', 'value', 'change'], rows, options, { align: ['left', 'left', 'right', 'right'] })}\n`;
  });
  return blocks.join('\n');
}

function saved(): { readonly path: string; readonly name: string }[] {
  if (!isFolder(BASELINES)) return [];
  const names = namesBelow(BASELINES).filter((file) => file.endsWith('.json') && !file.includes('/.'));
  if (names.length === 0) return [];
  return scenarioFiles(names, BASELINES).map(({ name, scenario }) => ({ path: join(BASELINES, name), name: scenario }));
}

function list(context: CliContext): string {
  const all = saved();
  if (all.length === 0) return `no baselines in ${BASELINES}; save one with moeprof baseline save <name> <run>\n`;
  const { unicode } = context.terminal;
  const figure = (result: Result, name: MetricName): string =>
    result.metrics[name] === undefined ? '-' : formatMetric(result.metrics[name]);
  const rows = all.map(({ path, name }) => {
    const result = readResult(path);
    const { model, system } = result.inputs;
    const figures = [formatCount(tokensRun(result)), figure(result, 'cache.hit_rate'), figure(result, 'speed.decode')];
    return [shorten(printable(name), 24, unicode), shorten(printable(`${model}, ${system}`), 24, unicode), ...figures];
  });
  const head = ['baseline', 'run', 'tokens', 'hit rate', 'decode'];
  return `${ruledTable(head, rows, context.reportOptions, { align: ['left', 'left', 'right', 'right', 'right'] })}\n`;
}

/** @throws UserError with the nearest names */
function pathOf(wanted: string): string {
  const all = saved();
  const found = all.filter(({ name }) => name === wanted || name.startsWith(`${wanted}/`));
  if (found.length === 1) return found[0]!.path;
  const names = (found.length > 1 ? found : all).map(({ name }) => name);
  if (found.length > 1) throw new UserError(`baseline ${wanted} has several scenarios: ${names.join(', ')}; name one`);
  throw new UserError(`there is no baseline "${wanted}": ${didYouMean(wanted, names)}`);
}

import type { Command } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import { makeFolder, writeFileAtomic } from '../base/files.js';
import { dirname, join } from '../base/host/paths.js';
import { readText } from '../base/input-file.js';
import { pasted } from '../base/shell.js';
import { formatCounted } from '../base/units.js';
import { locateYaml } from '../base/yaml.js';
import { compareSets, type Gate } from '../compare/gate.js';
import { compareReports } from '../compare/reports/index.js';
import { jsonReport } from '../report/door.js';
import { type Budget, budgetFileSchema, budgetsOf, parseFailOn } from '../result/budget.js';
import { dated, isBaseline, writeBaseline } from './baseline-history.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { ALLOW_CODE, htmlPage, output } from './kit/groups.js';
import { FILE_OPTIONS, Outputs, outputsOf, stdoutFormat } from './kit/outputs.js';
import { type LoadedSet, loadOperands } from './operands.js';
import { BASELINES, budgetFile } from './scenarios.js';

const COMPARE = options({
  '<base>': 'baseline: a result, a run profile, a folder of either, git:<commit>:<path> or baseline:<name>; with --against, a candidate',
  '[candidate...]': 'what to judge, given in the same ways',
  'Gate:': '',
  '--against <baseline>': 'base is this saved baseline: main, or main~3 for three states before',
  '--fail-on <condition>...': 'fail where this is true of a metric, repeatable',
  '--budgets <file>...': 'YAML file with a list of budgets, repeatable; without it and --fail-on: moeprof/budgets.yaml, if it is there',
  '--allow-different-inputs':
    'compare even where model, machine, runtime, knowledge, routing, workload or seed differ, or the candidate has more memory',
  '--all': 'show every changed metric and setting, not only the worst 12',
  '--explain': 'show which layers, phases and misses carry the change',
  '--update-baseline': 'show the changes, then write the candidate over the base',
  ...ALLOW_CODE,
  ...output(compareReports),
  ...htmlPage('write a report with charts of both runs'),
});

/** Help. */
export const help = `Operands:
  pr.json            a result, as moeprof run -o pr.json writes it
  runs/code.yaml     a run profile: it is run first, several at a time
  results/           a folder of results or run profiles, one scenario a file;
                     code@1.json, code@2.json are repeats of scenario code
  git:main:pr.json   a result, or a folder of them, as it was at a commit
  baseline:main      what moeprof baseline save saved; baseline:main~1 before
  -                  a result on stdin

Budgets:
  latency.tpot.p50 > +3%      with a sign: grew by more than 3 % of the base
  latency.* > +3% and +0.2ms  grew by more than both
  cache.hit_rate < -0.5pp     fell by more than half a percentage point
  latency.ttft.p99 > 2s       without a sign: the candidate's own value
  A metric that a budget names, or a scenario, that the candidate lacks fails.

Exit codes:
  0 every budget holds   1 a budget is broken   2 wrong usage or unreadable file
  3 there is no baseline, or the inputs differ

Examples:
  moeprof compare main.json pr.json
  moeprof compare main.json pr.json --fail-on 'latency.tpot.* > +3%' --explain
  moeprof compare lru.yaml s3-fifo.yaml --html diff.html
  moeprof compare baseline:main runs/ --budgets budgets.yaml -o gate.md
  moeprof compare --against main~3 runs/
  moeprof compare main.json pr.json --update-baseline`;

/** `moeprof compare`. Exit code 0: every budget holds; 1: a budget is broken; 3: runs are not comparable. */
export function define(command: Command, context: CliContext): void {
  declared(command, COMPARE, { first: ['--against', '--budgets', '--fail-on', '-o'] }).action(
    async (first: string, others: string[], options: OptionsOf<typeof COMPARE>) => {
      const [base, candidates] = sidesOf(first, others, options.against);
      const found = options.budgets.length + options.failOn.length > 0 ? null : budgetFile(candidates);
      const files = found === null ? options.budgets : [found];
      const given = [...files.flatMap(readBudgets), ...options.failOn.map((text) => parseFailOn(text))];
      if (found !== null) context.note(`judged by ${found}; --budgets or --fail-on is instead of it`);
      if (options.updateBaseline && candidates.length > 1)
        throw new UserError('--update-baseline: takes one candidate, which becomes the base');
      const outputs = Outputs.open(context, compareReports, outputsOf(options), stdoutFormat(options));
      try {
        const [before, ...after] = await loadOperands([base, ...candidates], context, {
          allowCode: options.allowCode,
          details: outputs.needDetails,
        });
        const gate = compareSets(before!, after, given, options);
        const update = options.updateBaseline ? baselineFiles(before!, after[0]!) : null;
        if (!gate.passed && update === null) context.setExitCode(EXIT.gateFailed);
        await outputs.deliver(gate, options.all);
        if (update !== null) accept(gate, update, before!.folder ? before!.path : null, context);
      } finally {
        outputs.abort();
      }
    },
  );
}

/** @throws UserError without a candidate, or if --against is no name */
function sidesOf(first: string, others: readonly string[], against: string | undefined): [base: string, candidates: readonly string[]] {
  if (against !== undefined) {
    const name = against.replace(/^baseline:/, '');
    if (!/^\w[\w.-]*(~\d+)?$/.test(name))
      throw new UserError(`--against ${against}: is no name of a baseline; write one such as main or main~3, or give a file as the base`);
    return [`baseline:${name}`, [first, ...others]];
  }
  if (others.length > 0) return [first, others];
  throw new UserError(
    `compare: what ${first} is to be compared with is missing; write moeprof compare ${pasted(first)} <candidate>, or --against <baseline> ${pasted(first)}`,
  );
}

/** @throws UserError with file, line and column */
function readBudgets(path: string): Budget[] {
  const file = locateYaml(readText(path), path, budgetFileSchema);
  return budgetsOf(file.value.budgets, (index) => file.place('budgets', index));
}

/** @throws UserError if the base is not writable, or the candidate lacks scenarios */
function baselineFiles(base: LoadedSet, candidate: LoadedSet): Map<string, string> {
  const place = base.path;
  if (place?.startsWith(BASELINES) && !isBaseline(place))
    throw new UserError(`--update-baseline: ${base.label} is an earlier state, which stays as it was`);
  if (place === null) throw new UserError(`--update-baseline: ${base.label} cannot be written; give a file or a folder of results as base`);
  if ([...base.scenarios.values()].some(({ budgets }) => budgets !== undefined))
    throw new UserError(`--update-baseline: ${base.label} is run, not saved; give a file or a folder of results as base`);
  if (base.folder !== candidate.folder)
    throw new UserError('--update-baseline: base and candidate must both be single runs, or both folders');
  if (!base.folder) return new Map([[place, jsonReport.render([...candidate.scenarios.values()][0]!.result, FILE_OPTIONS)]]);
  const gone = [...base.scenarios.keys()].filter((scenario) => !candidate.scenarios.has(scenario));
  if (gone.length > 0)
    throw new UserError(
      `--update-baseline: the candidate lacks ${gone.join(', ')}; delete ${gone.length === 1 ? 'it' : 'them'} in ${place} first`,
    );
  const repeated = [...base.scenarios.values()].find(({ label }) => /@\d+\.json$/.test(label));
  if (repeated !== undefined)
    throw new UserError(`--update-baseline: ${repeated.label} is a repeat; save runs with --repeat in one file instead`);
  return new Map(
    [...candidate.scenarios].map(([scenario, { result }]) => [
      join(place, `${scenario}.json`),
      jsonReport.render(isBaseline(place) ? dated(result) : result, FILE_OPTIONS),
    ]),
  );
}

/** Writes the new baseline, with a note. @param folder null: a single file */
function accept(gate: Gate, files: ReadonlyMap<string, string>, folder: string | null, context: CliContext): void {
  const changed = gate.comparisons.reduce((sum, { rows }) => sum + rows.length, 0);
  const faults = gate.comparisons.reduce((sum, { findings }) => sum + findings.length, gate.faults.length);
  const what = `${formatCounted(changed, 'changed metric')}, ${formatCounted(faults, 'fault')}`;
  context.note(`accepting ${what}${gate.added.length === 0 ? '' : `, ${formatCounted(gate.added.length, 'new scenario')}`}`);
  if (folder !== null && isBaseline(folder)) writeBaseline(folder, files);
  else {
    for (const [path, text] of files) {
      makeFolder(dirname(path));
      writeFileAtomic(path, text);
    }
  }
  for (const path of files.keys()) context.note(`wrote ${path}`);
}

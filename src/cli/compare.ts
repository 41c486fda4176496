// `moeprof compare`: the gate. Exit code 0 where every budget holds, 1 where one is broken, 3 where the runs cannot be compared.
import type { Command } from 'commander';
import { EXIT } from '../base/errors.js';
import { locateYaml, readText } from '../base/yaml.js';
import { type Budget, budgetFileSchema, budgetsOf, parseFailOn } from '../compare/budget.js';
import { compareAll } from '../compare/compare.js';
import { compareReports } from '../compare/report.js';
import type { CliContext } from './context.js';
import { type LoadedOperand, loadOperand } from './operands.js';
import { addOutputOptions, collect, type OutputOptions, stdoutFormat } from './options.js';
import { Outputs } from './outputs.js';

interface CompareOptions extends OutputOptions {
  readonly failOn: readonly string[];
  readonly budgets: readonly string[];
  readonly allowDifferentInputs: boolean;
}

const DETAILS = `
Budgets:
  latency.tpot.p50 > +3%      with a sign: grew by more than 3 % of the base
  latency.* > +3% and +0.2ms  grew by more than both
  cache.hit_rate < -0.5pp     fell by more than half a percentage point
  latency.ttft.p99 > 2s       without a sign: the candidate's own value
  A metric that a budget or the base has and the candidate lacks fails.

Exit codes:
  0 every budget holds   1 a budget is broken   2 wrong usage or unreadable file
  3 the inputs differ

Examples:
  moeprof compare main.json pr.json
  moeprof compare main.json pr.json --fail-on 'latency.tpot.* > +3%'
  moeprof compare lru.yaml s3-fifo.yaml
  moeprof compare main.json a.json b.json --budgets budgets.yaml -o gate.md
`;

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  command
    .argument('<base>', 'baseline: a result file, or a run profile that is run first')
    .argument('<candidate...>', 'result files or run profiles to judge')
    .optionsGroup('Gate:')
    .option('--fail-on <condition>', 'fail where this is true of a metric, repeatable', collect, [])
    .option('--budgets <file>', 'YAML file with a list of budgets, repeatable', collect, [])
    .option('--allow-different-inputs', 'compare even where model, hardware, routing, workload or seed differ', false);
  addOutputOptions(command, compareReports)
    .addHelpText('after', DETAILS)
    .action(async (base: string, candidates: string[], options: CompareOptions) => {
      const given = [...options.budgets.flatMap(readBudgets), ...options.failOn.map((text) => parseFailOn(text))];
      const outputs = Outputs.open(context, compareReports, options.output, stdoutFormat(options));
      try {
        const operands: LoadedOperand[] = [];
        for (const path of [base, ...candidates]) operands.push(await loadOperand(path, context));
        const budgets = [...ownBudgets(operands), ...given];
        const gate = compareAll(operands[0]!, operands.slice(1), budgets, options.allowDifferentInputs);
        if (!gate.passed) context.setExitCode(EXIT.gateFailed);
        outputs.deliver(gate);
      } finally {
        outputs.abort();
      }
    });
}

/** Budgets that run profiles bring along, the base's first. Variants of one profile repeat them: each counts once. */
function ownBudgets(operands: readonly LoadedOperand[]): Budget[] {
  const byText = new Map<string, Budget>();
  for (const budget of operands.flatMap((operand) => operand.budgets)) {
    const key = `${budget.level} ${budget.text}`;
    if (!byText.has(key)) byText.set(key, budget);
  }
  return [...byText.values()];
}

/** @throws UserError with file, line and column */
function readBudgets(path: string): Budget[] {
  const file = locateYaml(readText(path), path, budgetFileSchema);
  return budgetsOf(file.value.budgets, (index) => file.place('budgets', index));
}

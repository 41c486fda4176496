// `moeprof table`: finished runs side by side, as in the table of a paper.

import type { Command } from 'commander';
import { pivotOf, pivotReports, STATISTICS, statisticNamed } from '../figure/door.js';
import { readRuns } from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { addOutputOptions, metricNames, type OutputOptions } from './kit/options.js';
import { deliver } from './kit/outputs.js';
import { namesIn } from './listed.js';

interface TableOptions extends OutputOptions {
  readonly rows: string;
  readonly columns?: string;
  readonly value: string;
  readonly stat: string;
}

const EXAMPLES = `
Examples:
  moeprof table .moeprof/store --rows system --columns trace
  moeprof table study.jsonl --columns hardware,memory.expertCache \\
    --value latency.tpot.p50,cache.hit_rate --stat median,ci -o table.tex
  moeprof table results/ --rows system,policy --value cache.hit_rate

A row or column is made by any of model, quantization, trace, hardware, runtime,
system, policy, predictor, scheduler, seed, version, fingerprint, or the path of
a value of the run, such as memory.expertCache.
`;

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  command
    .argument('<runs...>', 'a store, folders of results, results, or what sweep study.yaml -o wrote (.json, .jsonl)')
    .optionsGroup('What is shown:')
    .option('--rows <names>', 'what makes a row, with commas', 'system')
    .option('--columns <names>', 'what makes a column, with commas')
    .option('--value <metrics>', 'metrics, with commas (moeprof explain lists them); a table each', 'speed.decode')
    .option('--stat <names>', `of the runs of a cell, with commas: ${STATISTICS.join(', ')}`, 'median');
  addOutputOptions(command, pivotReports)
    .addHelpText('after', EXAMPLES)
    .action((paths: string[], options: TableOptions) => {
      const names = (text: string, flag: string): string[] => namesIn(text, flag, 'system,seed');
      const question = {
        rows: names(options.rows, '--rows'),
        columns: options.columns === undefined ? [] : names(options.columns, '--columns'),
        metrics: metricNames(options.value, '--value'),
        statistics: names(options.stat, '--stat').map((name) => statisticNamed(name)),
      };
      return deliver(context, pivotReports, options, () => pivotOf(paths.flatMap(readRuns), question), paths);
    });
}

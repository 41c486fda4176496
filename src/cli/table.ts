// `moeprof table`: finished runs side by side, as in the table of a paper.

import type { Command } from 'commander';
import { pivotOf, pivotReports, STATISTICS, statisticNamed } from '../figure/door.js';
import { readRuns } from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { metricNames } from './kit/options.js';
import { addOutputOptions, deliver, type OutputOptions } from './kit/outputs.js';
import { namesIn } from './listed.js';

interface TableOptions extends OutputOptions {
  readonly rows: string;
  readonly columns?: string;
  readonly value: string;
  readonly stat: string;
}

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  command
    .argument('<runs...>', 'a store, folders of results, results, or what sweep study.yaml -o wrote (.json, .jsonl)')
    .optionsGroup('What is shown:')
    .option('--rows <names>', 'what makes a row, with commas', 'system')
    .option('--columns <names>', 'what makes a column, with commas')
    .option('--value <metrics>', 'metrics, with commas (moeprof explain lists them); a table each', 'speed.decode')
    .option('--stat <names>', `of the runs of a cell, with commas: ${STATISTICS.join(', ')}`, 'median');
  addOutputOptions(command, pivotReports).action((paths: string[], options: TableOptions) => {
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

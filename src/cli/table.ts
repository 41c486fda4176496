import type { Command } from 'commander';
import { pivotOf, pivotReports, STATISTICS, statisticNamed } from '../figure/door.js';
import { readRuns } from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { output } from './kit/groups.js';
import { metricNames } from './kit/options.js';
import { deliver } from './kit/outputs.js';
import { printWords, WORDS } from './kit/print-words.js';
import { namesIn } from './listed.js';

const TABLE = options({
  '<runs...>': 'what sweep -o wrote, a store, or results; folders of these (.json, .jsonl)',
  'What is shown:': '',
  '--rows <names>': ['what makes a row, with commas', { default: 'system' }],
  '--columns <names>': 'what makes a column, with commas',
  '--value <metrics>': ['metrics, with commas (moeprof explain lists them); a table each', { default: 'speed.decode' }],
  '--stat <names>': [`of the runs of a cell, with commas: ${STATISTICS.join(', ')}`, { default: 'median' }],
  ...WORDS,
  ...output(pivotReports),
});

/** `moeprof table`: finished runs side by side, as in a paper. */
export function define(command: Command, context: CliContext): void {
  declared(command, TABLE, { first: ['--rows', '--columns', '--value', '-o'] }).action(
    (paths: string[], options: OptionsOf<typeof TABLE>) => {
      const names = (text: string, flag: string): string[] => namesIn(text, flag, 'system,seed');
      const question = {
        rows: names(options.rows, '--rows'),
        columns: options.columns === undefined ? [] : names(options.columns, '--columns'),
        metrics: metricNames(options.value, '--value'),
        statistics: names(options.stat, '--stat').map((name) => statisticNamed(name)),
      };
      const { labels, titled } = printWords(options);
      return deliver(context, pivotReports, options, () => ({ ...pivotOf(paths.flatMap(readRuns), question, labels), ...titled }), paths);
    },
  );
}

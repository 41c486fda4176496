import type { Command } from 'commander';
import { pivotOf, pivotReports, STATISTICS, statisticNamed } from '../figure/door.js';
import { readRuns } from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { declared } from './kit/declared.js';
import { metricNames } from './kit/options.js';
import { deliver, type OutputOptions } from './kit/outputs.js';
import { type PrintWords, printWords } from './kit/print-words.js';
import { namesIn } from './listed.js';

interface TableOptions extends OutputOptions, PrintWords {
  readonly rows: string;
  readonly columns?: string;
  readonly value: string;
  readonly stat: string;
}

/** `moeprof table`: finished runs side by side, as in a paper. */
export function define(command: Command, context: CliContext): void {
  declared(command, 'table', { words: { statistics: STATISTICS }, formats: pivotReports }).action(
    (paths: string[], options: TableOptions) => {
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

import type { Command } from 'commander';
import { visible } from '../base/text.js';
import { Labels, pivotOf, pivotReports, STATISTICS, statisticNamed } from '../figure/door.js';
import { readRuns } from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { declared } from './kit/declared.js';
import { metricNames } from './kit/options.js';
import { deliver, type OutputOptions } from './kit/outputs.js';
import { namesIn } from './listed.js';

interface TableOptions extends OutputOptions {
  readonly rows: string;
  readonly columns?: string;
  readonly value: string;
  readonly stat: string;
  readonly title?: string;
  readonly label: readonly string[];
}

/** `moeprof table`: finished runs side by side, as in the table of a paper. */
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
      const titled = options.title === undefined ? {} : { title: visible(options.title) };
      const labels = new Labels(options.label);
      return deliver(context, pivotReports, options, () => ({ ...pivotOf(paths.flatMap(readRuns), question, labels), ...titled }), paths);
    },
  );
}

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

/** Help. */
export const help = `Examples:
  moeprof table .moeprof/store --rows system --columns trace
  moeprof table study.jsonl --columns hardware,memory.expertCache \\
    --value latency.tpot.p50,cache.hit_rate --stat median,ci -o table.tex
  moeprof table study.jsonl --label speed.decode='Decode speed' --title 'Speeds'
  moeprof table results/ --rows system,policy --value cache.hit_rate

A row or column is made by any of model, quantization, trace, hardware, runtime,
system, policy, predictor, scheduler, seed, version, fingerprint, or the path of
a value of the run, such as memory.expertCache.`;

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

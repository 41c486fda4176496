import type { Command } from 'commander';
import { reports } from '../report/door.js';
import { readResult } from '../result/read.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { output } from './kit/groups.js';
import { deliver } from './kit/outputs.js';

const REPORT = options({
  '<result>': 'result file, as moeprof run -o result.json writes it',
  ...output(reports),
});

/** Help. */
export const help = `Examples:
  moeprof report result.json
  moeprof report result.json --format markdown
  moeprof report result.json -o report.md -o metrics.csv
  moeprof report result.json -o report.html`;

/** `moeprof report`: a saved result in any format, without a new run. */
export function define(command: Command, context: CliContext): void {
  declared(command, REPORT).action((path: string, options: OptionsOf<typeof REPORT>) =>
    deliver(context, reports, options, () => readResult(path)),
  );
}

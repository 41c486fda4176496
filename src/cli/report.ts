// `moeprof report`: a saved result in any format, without running anything again.

import type { Command } from 'commander';
import { reports } from '../report/door.js';
import { readResult } from '../result/read.js';
import type { CliContext } from './kit/context.js';
import { addOutputOptions, type OutputOptions } from './kit/options.js';
import { deliver } from './kit/outputs.js';

const EXAMPLES = `
Examples:
  moeprof report result.json
  moeprof report result.json --format markdown
  moeprof report result.json -o report.md -o metrics.csv
  moeprof report result.json -o report.html
`;

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  command.argument('<result>', 'result file, as moeprof run -o result.json writes it');
  addOutputOptions(command, reports)
    .addHelpText('after', EXAMPLES)
    .action((path: string, options: OutputOptions) => deliver(context, reports, options, () => readResult(path)));
}

// `moeprof report`: a saved result in any format, without running anything again.

import type { Command } from 'commander';
import { reports } from '../report/door.js';
import { readResult } from '../result/read.js';
import type { CliContext } from './kit/context.js';
import { addOutputOptions, deliver, type OutputOptions } from './kit/outputs.js';

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  command.argument('<result>', 'result file, as moeprof run -o result.json writes it');
  addOutputOptions(command, reports).action((path: string, options: OutputOptions) =>
    deliver(context, reports, options, () => readResult(path)),
  );
}

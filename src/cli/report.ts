import type { Command } from 'commander';
import { reports } from '../report/door.js';
import { readResult } from '../result/read.js';
import type { CliContext } from './kit/context.js';
import { declared } from './kit/declared.js';
import { deliver, type OutputOptions } from './kit/outputs.js';

/** `moeprof report`: a saved result in any format, without a new run. */
export function define(command: Command, context: CliContext): void {
  declared(command, 'report', { formats: reports }).action((path: string, options: OutputOptions) =>
    deliver(context, reports, options, () => readResult(path)),
  );
}

// `moeprof bound`: speeds that no system can exceed. One subcommand for each kind of knowledge.

import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { parseShare } from '../base/units.js';
import { adaptiveBound, adaptiveReports, type SmallCopy } from '../bound/door.js';
import type { CliContext } from './kit/context.js';
import { addOutputOptions, deliver, type OutputOptions } from './kit/outputs.js';
import { addRunOptions, type RunFlags, runOf } from './run-options.js';

interface AdaptiveOptions extends RunFlags, OutputOptions {
  readonly budgets: string;
  readonly copy?: string;
}

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  const adaptive = command
    .command('adaptive')
    .description('an oracle that skips experts, or takes smaller copies, where it costs least')
    .argument('[profile]', 'run profile: a YAML file or a bundled name; without it and without -m -t -w -s, the quick start')
    .optionsGroup('What may be lost:')
    .option('--budgets <shares>', 'shares of the gate weight that may be lost, with commas', '0%,1%,2%,5%,10%,20%')
    .option('--copy <copy>', 'experts may run from a smaller copy: bytes=25%,loss=10% of their weight');
  addRunOptions(adaptive);
  addOutputOptions(adaptive, adaptiveReports).action(async (profile: string | undefined, options: AdaptiveOptions) => {
    const budgets = options.budgets.split(',').map((text) => shareIn(text, '--budgets'));
    const copy = options.copy === undefined ? null : copyIn(options.copy);
    const run = runOf(profile, options);
    await deliver(context, adaptiveReports, options, () => adaptiveBound(run, budgets, copy, () => context.breathe()), options.trace);
  });
}

/** @throws UserError where it is no share of 0 to 100 % */
function shareIn(text: string, flag: string): number {
  const share = parseShare(text.trim(), flag);
  if (share >= 0 && share <= 1) return share;
  throw new UserError(`${flag} ${text}: expected a share from 0 % to 100 %, e.g. 5%`);
}

/** Reads `bytes=25%,loss=10%`. @throws UserError */
function copyIn(text: string): SmallCopy {
  const given = Object.fromEntries(text.split(',').map((part) => part.split('=').map((side) => side.trim())));
  const { bytes, loss } = given as { bytes?: string; loss?: string };
  if (bytes === undefined || loss === undefined || Object.keys(given).length !== 2)
    throw new UserError(`--copy ${text}: write its bytes and what it loses, e.g. bytes=25%,loss=10%`);
  return { bytes: shareIn(bytes, '--copy'), loss: shareIn(loss, '--copy') };
}

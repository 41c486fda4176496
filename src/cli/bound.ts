import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { parseShare } from '../base/units.js';
import { adaptiveBound, adaptiveReports, type SmallCopy } from '../bound/door.js';
import type { CliContext } from './kit/context.js';
import { subcommand } from './kit/declared.js';
import { deliver, type OutputOptions } from './kit/outputs.js';
import { RUN_WORDS, type RunFlags, runOf } from './run-options.js';

interface AdaptiveOptions extends RunFlags, OutputOptions {
  readonly budgets: string;
  readonly copy?: string;
}

/** `moeprof bound`: speeds that no system can exceed. One subcommand for each kind of knowledge. */
export function define(command: Command, context: CliContext): void {
  subcommand(command, 'adaptive', { words: RUN_WORDS, formats: adaptiveReports }).action(
    async (profile: string | undefined, options: AdaptiveOptions) => {
      const budgets = options.budgets.split(',').map((text) => shareIn(text, '--budgets'));
      const copy = options.copy === undefined ? null : copyIn(options.copy);
      const run = runOf(profile, options);
      await deliver(context, adaptiveReports, options, () => adaptiveBound(run, budgets, copy, () => context.breathe()), options.trace);
    },
  );
}

/** @throws UserError if it is no share of 0 to 100 % */
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

import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { parseShare } from '../base/units.js';
import { adaptiveBound, adaptiveReports } from '../bound/door.js';
import type { CliContext } from './kit/context.js';
import { subcommand } from './kit/declared.js';
import type { Words } from './kit/options.js';
import { deliver, type OutputOptions } from './kit/outputs.js';
import { RUN_WORDS, type RunFlags, runOf } from './run-options.js';

type AdaptiveOptions = RunFlags & OutputOptions & Words<'budgets'>;

/** `moeprof bound`: speeds that no system can exceed. */
export function define(command: Command, context: CliContext): void {
  subcommand(command, 'adaptive', { words: RUN_WORDS, formats: adaptiveReports }).action(
    async (profile: string | undefined, options: AdaptiveOptions) => {
      const budgets = options.budgets.split(',').map(shareIn);
      const run = runOf(profile, options);
      await deliver(context, adaptiveReports, options, () => adaptiveBound(run, budgets, () => context.breathe()), options.trace);
    },
  );
}

/** @throws UserError outside 0 to 100 % */
function shareIn(text: string): number {
  const share = parseShare(text.trim(), '--budgets');
  if (share >= 0 && share <= 1) return share;
  throw new UserError(`--budgets ${text}: expected a share from 0 % to 100 %, e.g. 5%`);
}

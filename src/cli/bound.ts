import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { parseShare } from '../base/units.js';
import { adaptiveBound, adaptiveReports } from '../bound/door.js';
import type { CliContext } from './kit/context.js';
import { type OptionsOf, options, subcommand } from './kit/declared.js';
import { output, PICTURES } from './kit/groups.js';
import { deliver } from './kit/outputs.js';
import { RUN, runOf } from './run-options.js';

const ADAPTIVE = options({
  '[profile]': 'run profile: a YAML file or a bundled name; without it and without -m -t -w -s, the quick start',
  'What may be lost:': '',
  '--budgets <shares>': ['shares of the gate weight that may be lost, with commas', { default: '0%,1%,2%,5%,10%,20%' }],
  ...RUN,
  ...output(adaptiveReports),
  ...PICTURES,
});

/** Help. */
export const help = `Examples:
  moeprof bound adaptive -t routing.safetensors -w rtx-4090 --cache 25%
  moeprof bound adaptive -t routing.safetensors -w t4 --budgets 0%,5%,20%`;

/** `moeprof bound`: speeds that no system can exceed. */
export function define(command: Command, context: CliContext): void {
  subcommand(command, 'adaptive', ADAPTIVE, {
    first: ['-m', '-t', '-w', '--budgets', '-o'],
    description: 'an oracle that skips experts where it costs least',
  }).action(async (profile: string | undefined, options: OptionsOf<typeof ADAPTIVE>) => {
    const budgets = options.budgets.split(',').map(shareIn);
    const run = runOf(profile, options);
    await deliver(context, adaptiveReports, options, () => adaptiveBound(run, budgets, () => context.breathe()), options.trace);
  });
}

/** @throws UserError outside 0 to 100 % */
function shareIn(text: string): number {
  const share = parseShare(text.trim(), '--budgets');
  if (share >= 0 && share <= 1) return share;
  throw new UserError(`--budgets ${text}: expected a share from 0 % to 100 %, e.g. 5%`);
}

import type { Command } from 'commander';
import { breakEvenReports, breakEvensOn } from '../advise/door.js';
import { ADVISED, DEFAULT_RUNTIME } from '../runtime/index.js';
import { type AdviseOptions, advisedMachine, countAtLeastOne, wishesOf } from './advise.js';
import type { CliContext } from './kit/context.js';
import { declared } from './kit/declared.js';
import { deliver } from './kit/outputs.js';
import { namesIn } from './listed.js';

/** `moeprof breakeven`: hit rate at which an expert cache overtakes the CPU. */
export function define(command: Command, context: CliContext): void {
  const words = { runtimes: ADVISED.map(({ name }) => name), runtime: DEFAULT_RUNTIME };
  declared(command, 'breakeven', { words, formats: breakEvenReports }).action((model: string, { users: text, ...options }: AdviseOptions) =>
    deliver(context, breakEvenReports, options, () => {
      const users = namesIn(text!, '--users', '1,4').map((count) => countAtLeastOne(count, '--users'));
      return breakEvensOn(model, advisedMachine(context, options, model), wishesOf(options), users);
    }),
  );
}

import type { Command } from 'commander';
import { breakEvenReports, breakEvensOn } from '../advise/door.js';
import { ADVISED, DEFAULT_RUNTIME } from '../runtime/door.js';
import { advisedMachine, countAtLeastOne, wishesOf } from './advise.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { htmlPage, output, TIMING } from './kit/groups.js';
import { deliver } from './kit/outputs.js';
import { remarks } from './kit/watched.js';
import { namesIn } from './listed.js';

const BREAKEVEN = options({
  '<model>': 'a bundled name, a GGUF file, a folder, a config.json, or hf:owner/repo[:format]',
  '-w, --hardware <machine>': 'parts such as rtx-3060+32GB, a name or a file; without, this one is detected',
  '-t, --trace <trace>': 'recorded routing to fill caches with; without, it is drawn as the model routes',
  ...TIMING,
  '--runtime <name>': [`runtime: ${ADVISED.map(({ name }) => name).join(', ')}`, { default: DEFAULT_RUNTIME }],
  'What is asked:': '',
  '--context <tokens>': ['context of each user, whose KV cache takes room from experts', { shown: '16384' }],
  '--prompt <tokens>': ['prompt that decoding follows', { shown: '4096, or half of the context' }],
  '--users <list>': ['users at a time: 1,4', { default: '1,4' }],
  '--quantizations <formats>': ['formats: q4_k_m,ud-q2_k_xl', { shown: 'three of those on offer' }],
  ...output(breakEvenReports),
  ...htmlPage('write a page for a browser'),
});

/** Help. */
export const help = `Examples:
  moeprof breakeven qwen3-30b-a3b -w rtx-3060+64GB
  moeprof breakeven gpt-oss-120b -w rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB
  moeprof breakeven qwen3-30b-a3b -w rtx-3060+64GB -t mine.jsonl --users 1

Hit rates are those of an LRU-like cache behind tokens that fill it; with -t
those of your own texts. moeprof run -s llama.cpp-cache is one such run.`;

/** `moeprof breakeven`. */
export function define(command: Command, context: CliContext): void {
  declared(command, BREAKEVEN, { first: ['-w', '-t', '--users', '-o'] }).action((model: string, options: OptionsOf<typeof BREAKEVEN>) =>
    deliver(context, breakEvenReports, options, () => {
      const { context: tokens, hardware, prompt, quantizations, runtime, timing, trace } = options;
      const users = namesIn(options.users, '--users', '1,4').map((count) => countAtLeastOne(count, '--users'));
      return breakEvensOn(
        model,
        advisedMachine(context, { hardware, quantizations, timing }, model),
        wishesOf({ runtime, context: tokens, prompt, quantizations, trace }),
        users,
        remarks(context),
      );
    }),
  );
}

import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { loadModel } from '../model/door.js';
import { FIRST_QUESTION, linkOfQuestion, playPage, refuseFiles } from '../play/door.js';
import { loadHardware } from '../runtime/door.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { openSink } from './kit/outputs.js';

/** The first question of a page. */
export const QUESTION = options({
  '[model]': ["the first question's model: a bundled name", { shown: 'qwen3.6-35b-a3b' }],
  '-w, --hardware <machine>': ['its machine: a bundled name, or parts: rtx-3060+32GB', { shown: 'rtx-3060+32GB' }],
});

const PLAY = options({
  ...QUESTION,
  '-o, --output <path>': ['where to: play.html, or - for stdout', { required: true }],
});

/** Help. */
export const help = `Examples:
  moeprof play -o play.html
  moeprof play gpt-oss-120b -w rtx-3090+64GB -o play.html`;

/** `moeprof play`. */
export function define(command: Command, context: CliContext): void {
  declared(command, PLAY).action((model: string | undefined, { output, ...options }: OptionsOf<typeof PLAY>) => {
    if (output === '-') {
      context.out(pageFor(model, options));
      return;
    }
    if (!/\.html?$/i.test(output)) throw new UserError(`-o ${output}: the page is HTML; write -o play.html`);
    const sink = openSink(output);
    try {
      sink.write(pageFor(model, options));
      sink.commit();
    } finally {
      sink.abort();
    }
  });
}

/** @throws UserError if the model or the machine is unknown */
export function pageFor(model = FIRST_QUESTION.model, { hardware = FIRST_QUESTION.machine }: OptionsOf<typeof QUESTION>): string {
  const question = { model, machine: hardware, wishes: {} };
  refuseFiles(question);
  loadModel(model);
  loadHardware(hardware);
  return playPage(linkOfQuestion(question));
}

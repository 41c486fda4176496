import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { loadModel } from '../model/door.js';
import { FIRST_QUESTION, linkOfQuestion, playPage, refuseFiles } from '../play/door.js';
import { loadHardware } from '../runtime/machine.js';
import type { CliContext } from './kit/context.js';
import { declared } from './kit/declared.js';
import type { Texts } from './kit/options.js';
import { openSink } from './kit/outputs.js';

type PlayOptions = Texts<'hardware'>;

/** `moeprof play`: the page of `moeprof advise` as a single file for a browser. */
export function define(command: Command, context: CliContext): void {
  declared(command, 'play').action((model: string | undefined, { output, ...options }: PlayOptions & Required<Texts<'output'>>) => {
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

/** @throws UserError for an unknown model or machine */
export function pageFor(model = FIRST_QUESTION.model, { hardware = FIRST_QUESTION.machine }: PlayOptions): string {
  const question = { model, machine: hardware, wishes: {} };
  refuseFiles(question);
  loadModel(model);
  loadHardware(hardware);
  return playPage(linkOfQuestion(question));
}

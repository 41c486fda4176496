// Messages between the page and the computing thread.

import { USUAL_PROMPT } from '../advise/door.js';
import { UserError } from '../base/errors.js';
import { listProfiles } from '../base/profiles.js';
import { formatCount } from '../base/units.js';
import type { WorkWatch } from '../base/work-watch.js';
import { openTrace } from '../trace/open/open.js';
import { Answers, type Before, isAdvice, reportOf } from './answers.js';
import { playCatalogue } from './catalogue.js';
import { type Knob, turned } from './knobs.js';
import { demandListed, linkOfQuestion, type PlayQuestion, pageWords, questionOf } from './question.js';

/** A question's link, and a trace given to the page. */
interface Sent {
  readonly link: string;
  readonly trace?: string;
}

/** A request of the page; `turns` first change parts of the machine. */
export type PlayRequest =
  | (Sent & { readonly kind: 'glance'; readonly before: Before | null; readonly turns?: readonly (readonly [knob: Knob, value: string])[] })
  | (Sent & { readonly kind: 'hits' | 'report' | 'whole' })
  | { readonly kind: 'catalogue' }
  | (Sent & { readonly kind: 'timing'; readonly text: string })
  | { readonly kind: 'trace'; readonly path: string };

/** Answers requests in turn. */
export class Desk {
  readonly #answers: Answers;
  #last: { readonly key: string; readonly answer: Awaited<ReturnType<Answers['whole']>> } | null = null;

  /** @param watch may throw to end the answer */
  constructor(watch: Pick<WorkWatch, 'breathe'> = {}) {
    this.#answers = new Answers(watch);
  }

  /** @returns the answer, or `{ error }` with a printable line */
  async answer(request: PlayRequest): Promise<object> {
    try {
      return await this.#answered(request);
    } catch (error) {
      if (error instanceof UserError) return { error: pageWords(error.message) };
      return { error: `a fault of moeprof, please report it: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  async #answered(request: PlayRequest): Promise<object> {
    switch (request.kind) {
      case 'catalogue':
        return playCatalogue();
      case 'trace':
        return readTrace(request.path);
      case 'timing':
        return this.#answers.pasted(request.text, asked(request));
      case 'glance': {
        const question = asked(request);
        const machine = (request.turns ?? []).reduce((name, [knob, value]) => turned(name, knob, value), question.machine);
        return this.#answers.atAGlance({ ...question, machine }, request.before);
      }
      case 'whole':
        return this.#whole(request);
      case 'hits':
        return this.#hits(request);
      case 'report':
        return { html: reportOf((await this.#whole(request)).advice!) };
    }
  }

  async #hits(sent: Sent): Promise<object> {
    const advice = (await this.#whole(sent)).advice!;
    if (!isAdvice(advice)) throw new UserError('a curve is of one model');
    return this.#answers.hits(asked(sent), advice);
  }

  /** The whole answer, shared by curve, report and data. */
  async #whole(sent: Sent) {
    const question = asked(sent);
    const key = JSON.stringify([linkOfQuestion(question), sent.trace]);
    if (this.#last?.key !== key) this.#last = { key, answer: await this.#answers.whole(question) };
    return this.#last.answer;
  }
}

function asked({ link, trace }: Sent): PlayQuestion {
  const question = questionOf(link);
  demandListed(question);
  return trace === undefined ? question : { ...question, wishes: { ...question.wishes, trace } };
}

interface TraceView {
  /** Bundled; null: not named. */
  readonly model: string | null;
  /** Longest prompt within the trace's tokens; null: the usual prompt. */
  readonly prompt: number | null;
  readonly text: string;
}

/** Opens a trace, so that faults show early. */
async function readTrace(path: string): Promise<TraceView> {
  const trace = await openTrace(path);
  try {
    const { layers, meta, tokens, topK } = trace;
    const model = meta.model !== null && listProfiles('models').includes(meta.model) ? meta.model : null;
    return {
      model,
      prompt: tokens > USUAL_PROMPT + 1 ? null : Math.max(1, tokens - 2),
      text: `${formatCount(tokens)} tokens, ${layers} layers, top-${topK}${meta.model === null ? '' : `, of ${meta.model}`}`,
    };
  } finally {
    trace.close();
  }
}

// Answers of the page, by the command line's functions: at a glance while dragging, and whole.

import { type Advice, adviceDocument, adviceFor, basesOf, glance, machineNamed, Subject } from '../advise/door.js';
import { rememberedWork } from '../base/objects.js';
import { formatNs } from '../base/units.js';
import type { WorkWatch } from '../base/work-watch.js';
import type { Curve } from '../capacity/door.js';
import { type Block, documentBody, documentHeader, html, legend, type Markup, renderDocumentPage, shareBar } from '../report/door.js';
import type { Setting } from '../runtime/door.js';
import { type HitView, hitCurve, hitView } from './hits.js';
import { knobsOf, type MachineKnobs } from './knobs.js';
import { linkOfQuestion, type PlayQuestion, terminalLine } from './question.js';

const COMMAND = 'moeprof advise';

/** An answer for a page; names with `Html` are HTML. */
export interface PlayAnswer {
  readonly advice: Advice;
  readonly headerHtml: string;
  /** Lines to paste, memory and time; also at a glance. */
  readonly firstHtml: string;
  /** Empty at a glance. */
  readonly restHtml: string;
  /** Text after `#` in the address. */
  readonly link: string;
  readonly command: string;
  readonly knobs: MachineKnobs | null;
}

/** A former answer's setting and runtime. */
export interface Before {
  readonly runtime: string;
  readonly setting: Setting;
}

/** Answers questions in turn; keeps the last model and all hit curves. */
export class Answers {
  #subject: { readonly key: string; readonly subject: Subject } | null = null;
  readonly #curves = new Map<string, Promise<Curve>>();
  readonly #watch: Pick<WorkWatch, 'breathe'>;

  constructor(watch: Pick<WorkWatch, 'breathe'>) {
    this.#watch = watch;
  }

  /** The answer of `moeprof advise`, byte for byte. @throws UserError */
  async whole(question: PlayQuestion): Promise<PlayAnswer> {
    return shown(question, await adviceFor(question.model, question.machine, question.wishes, this.#watch), true);
  }

  /** The answer at a glance. @param before a similar question's answer, or null @throws UserError */
  async atAGlance(question: PlayQuestion, before: Before | null): Promise<PlayAnswer> {
    const { machine, model, wishes } = question;
    const runtime = wishes.runtime ?? before?.runtime;
    const [basis] = await basesOf(machineNamed(machine), { ...wishes, runtime });
    const asked = await this.#subjectOf(model, wishes.trace).question(basis!, wishes);
    return shown(question, await glance(asked, before?.runtime === basis!.runtime.name ? before.setting : null), false);
  }

  /** @throws UserError */
  async hits(question: PlayQuestion, advice: Advice): Promise<HitView> {
    const key = `${question.model}\n${question.wishes.trace}`;
    return hitView(await rememberedWork(this.#curves, key, () => hitCurve(question, this.#watch)), question, advice);
  }

  #subjectOf(model: string, trace: string | undefined): Subject {
    const key = `${model}\n${trace}`;
    if (this.#subject?.key === key) return this.#subject.subject;
    this.#subject?.subject.close();
    this.#subject = { key, subject: new Subject(model, trace, this.#watch) };
    return this.#subject.subject;
  }
}

/** The page of `moeprof advise -o advice.html`. */
export const reportOf = (advice: Advice): string => renderDocumentPage(adviceDocument({ advice, explain: true }), COMMAND);

function shown(question: PlayQuestion, advice: Advice, isWhole: boolean): PlayAnswer {
  const document = adviceDocument({ advice, explain: false });
  const { blocks } = document;
  return {
    advice,
    headerHtml: documentHeader(document, COMMAND).text,
    firstHtml: html`${documentBody(blocks.filter(isFirst))}${advice.answer !== null && legend(MEMORY)}${timeOf(advice)}`.text,
    restHtml: isWhole ? documentBody(blocks.filter((block) => !isFirst(block))).text : '',
    link: linkOfQuestion(question),
    command: terminalLine(question),
    knobs: knobsOf(question.machine),
  };
}

const isFirst = (block: Block): boolean => block.kind === 'code' || (block.kind === 'facts' && block.shares !== undefined);

const MEMORY = [
  ['hit', 'weights'],
  ['accent', 'KV cache'],
  ['stall', 'compute'],
] as const;

function timeOf({ answer }: Advice): Markup {
  if (answer === null) return html``;
  const { decode, setting, waits } = answer;
  const whole = (setting.users * 1e9) / decode;
  const parts = [
    { label: 'GPU', color: 'hit', ns: Math.max(0, whole - waits.cpu - waits.link) },
    { label: 'CPU', color: 'dense', ns: waits.cpu },
    { label: 'link', color: 'stall', ns: waits.link },
  ].filter(({ ns }) => ns >= 0.005 * whole);
  const words = parts.map(({ label, ns }) => `${label} ${formatNs(ns)}`);
  return html`<section aria-label="Time of a token"><h2>Time of a token</h2>${shareBar(
    `Of ${formatNs(whole)}: ${words.join(', ')}`,
    parts.map(({ color, ns }) => ({ color, share: ns / whole })),
  )}${legend(parts.map(({ color }, i) => [color, words[i]!]))}</section>`;
}

// Answers of the page, by the command line's functions: at a glance while dragging, and whole.

import {
  type Advice,
  adviceDocument,
  adviceOn,
  basesOf,
  glance,
  MODEL_WIDTH,
  type ModelOffers,
  modelsDocument,
  modelsOn,
  Subject,
} from '../advise/door.js';
import { rememberedWork } from '../base/objects.js';
import { formatNs } from '../base/units.js';
import type { WorkWatch } from '../base/work-watch.js';
import type { Curve } from '../capacity/door.js';
import {
  aboutRate,
  type Block,
  type Document,
  documentBody,
  documentHeader,
  html,
  legend,
  type Markup,
  renderDocumentPage,
  shareBar,
  shorten,
} from '../report/door.js';
import type { Setting } from '../runtime/door.js';
import { type HitView, hitCurve, hitView } from './hits.js';
import { knobsOf, type MachineKnobs } from './knobs.js';
import { EVERY_MODEL, linkOfQuestion, type PlayQuestion, terminalLine } from './question.js';
import { OwnTimings, type Pasted } from './timings.js';

const COMMAND = 'moeprof advise';

/** An answer for a page; names with `Html` are HTML. */
export interface PlayAnswer {
  /** Null: models at a glance. */
  readonly advice: Advice | ModelOffers | null;
  readonly headerHtml: string;
  /** Lines to paste, memory and time; also at a glance. */
  readonly firstHtml: string;
  /** Empty at a glance. */
  readonly restHtml: string;
  /** Text after `#` in the address. */
  readonly link: string;
  readonly command: string;
  readonly knobs: MachineKnobs | null;
  /** True: timings of another machine. */
  readonly foreign: boolean;
}

/** A former answer's setting and runtime. */
export interface Before {
  readonly runtime: string;
  readonly setting: Setting;
}

/** Answers questions in turn; keeps the last model, and all curves and timings. */
export class Answers {
  #subject: { readonly key: string; readonly subject: Subject } | null = null;
  readonly #curves = new Map<string, Promise<Curve>>();
  readonly #watch: Pick<WorkWatch, 'breathe'>;
  readonly #timings: OwnTimings;

  constructor(watch: Pick<WorkWatch, 'breathe'>) {
    this.#watch = watch;
    this.#timings = new OwnTimings(watch);
  }

  /** The answer of `moeprof advise`, byte for byte. @throws UserError */
  async whole(question: PlayQuestion): Promise<PlayAnswer> {
    const { model, wishes } = question;
    const machine = this.#timings.finder(question, false);
    if (model !== EVERY_MODEL) return this.#marked(question, advised(question, await adviceOn(model, machine, wishes, this.#watch), true));
    const { slots: _slots, trace: _trace, ...others } = wishes;
    return this.#marked(question, offered(question, await modelsOn([], machine, others, async () => this.#watch.breathe?.())));
  }

  /** The answer at a glance. @param before a similar question's answer, or null @throws UserError */
  async atAGlance(question: PlayQuestion, before: Before | null): Promise<PlayAnswer> {
    const { model, wishes } = question;
    if (model === EVERY_MODEL) return this.#marked(question, shown(question, { title: `What ${question.machine} runs`, blocks: [] }, null));
    const runtime = wishes.runtime ?? before?.runtime;
    const [basis] = await basesOf(this.#timings.finder(question, true), { ...wishes, runtime });
    const asked = await this.#subjectOf(model, wishes.trace).question(basis!, wishes);
    const advice = await glance(asked, before?.runtime === basis!.runtime.name ? before.setting : null);
    return this.#marked(question, advised(question, advice, false));
  }

  #marked(question: PlayQuestion, answer: Shown): PlayAnswer {
    return { ...answer, foreign: this.#timings.isOfAnother(question) };
  }

  /** @throws UserError for useless timings */
  async pasted(text: string, question: PlayQuestion): Promise<Pasted> {
    const pasted = this.#timings.pasted(text, question);
    const { machine, model } = pasted;
    const taught = { ...question, machine, model: model ?? question.model, timing: text };
    await basesOf(this.#timings.finder(taught, false), question.wishes);
    return pasted;
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
export function reportOf(answer: Advice | ModelOffers): string {
  return renderDocumentPage(isAdvice(answer) ? adviceDocument({ advice: answer, explain: true }) : modelsDocument(answer), COMMAND);
}

/** False: several models. */
export const isAdvice = (answer: Advice | ModelOffers): answer is Advice => 'answer' in answer;

type Shown = Omit<PlayAnswer, 'foreign'>;

function shown(question: PlayQuestion, document: Document, advice: PlayAnswer['advice']): Shown {
  return {
    advice,
    headerHtml: documentHeader(document, COMMAND).text,
    firstHtml: '',
    restHtml: '',
    link: linkOfQuestion(question),
    command: terminalLine(question),
    knobs: knobsOf(question.machine),
  };
}

function advised(question: PlayQuestion, advice: Advice, isWhole: boolean): Shown {
  const document = adviceDocument({ advice, explain: false });
  const blocks = document.blocks.map(toPaste);
  const first = advice.answer === null ? html`` : html`${documentBody(blocks.filter(isFirst))}${legend(MEMORY)}${timeOf(advice)}`;
  return {
    ...shown(question, document, advice),
    firstHtml: html`${first}${waysFrom(question, advice)}`.text,
    restHtml: isWhole ? documentBody(blocks.filter((block) => !isFirst(block))).text : '',
  };
}

function offered(question: PlayQuestion, offers: ModelOffers): Shown {
  const document = modelsDocument(offers);
  const rest = documentBody(document.blocks).text;
  const linked = ({ model }: { readonly model: string }): string =>
    html`<a href="#${linkOfQuestion({ ...question, model, timing: undefined })}">${model}</a></th>`.text;
  const named = ({ model }: { readonly model: string }): string => html`>${shorten(model, MODEL_WIDTH, true)}</th>`.text;
  const firstHtml = offers.models.reduce((text, offer) => text.replace(named(offer), `>${linked(offer)}`), rest);
  return { ...shown(question, document, offers), firstHtml };
}

function waysFrom(question: PlayQuestion, { ways = [] }: Advice): Markup | false {
  const items = ways.map(({ change, command, decode, text }) => {
    if (change === undefined) return html`<li>${text}<pre class="copy">${command.join('\n')}</pre></li>`;
    const { machine = question.machine, model = question.model, quantizations, ...counts } = change;
    const own = model === question.model ? question.wishes : { ...question.wishes, slots: undefined, quantizations: undefined };
    const wishes = { ...own, ...counts, ...(quantizations !== undefined && { quantizations: [quantizations] }) };
    const speed = decode === null ? '' : `, ${aboutRate(decode)} tok/s`;
    return html`<li><a href="#${linkOfQuestion({ model, machine, wishes })}">${text}</a>${speed}</li>`;
  });
  return items.length > 0 && html`<section><h2>What fits</h2><ul>${items}</ul></section>`;
}

const toPaste = (block: Block): Block =>
  block.kind === 'code' && block.title !== undefined
    ? { ...block, title: block.title.replace(/with --timing \S+/, 'pasted into "Measured on this machine"') }
    : block;

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

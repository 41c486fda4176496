import { messageOf, UserError } from '../base/errors.js';
import { bytesOf, textOf } from '../base/host/bytes.js';
import { ownValue } from '../base/objects.js';
import { formatCount } from '../base/units.js';
import { type ChoiceRequest, importChoices } from '../trace/formats/choice-array.js';
import { expected, type OpenOptions } from '../trace/formats/format.js';
import { objectAt } from '../trace/formats/json-values.js';
import { metadataOf, UNFINISHED } from '../trace/formats/metadata.js';
import { answersOf } from '../trace/formats/replies.js';
import { checkFits } from '../trace/open/open.js';
import { jsonlLines } from '../trace/open/write.js';
import type { RoutingTrace } from '../trace/trace.js';
import type { AnswerFile } from './answer-file.js';

const PLACE = 'a reply';
const SILENT =
  'it has no routed experts; start the server with --enable-return-routed-experts (vLLM streams them from /inference/v1/generate alone)';
/** The record of llama-server's expert cache. */
const BESIDE =
  'it has no routed experts; llama-server writes them itself, beside an expert cache (builds from 12191): ' +
  'LLAMA_MOE_CACHE_TRACE=t.mct1 llama-server -m model.gguf --moe-cache-mib 4096, then -t t.mct1';
/** A build as llama-server names itself: `b12191-4b060f2`. */
const LLAMA_BUILD = /^b\d+-[0-9a-f]+$/;
/** Distinct reasons kept, and letters of each; ours. */
const REASONS = 20;
const LETTERS = 300;
const OTHERS = 'for other reasons';
/** Answers per reply, rows per answer. Ours: no batch and no context is longer. */
const ANSWERS = 10_000;
const MANY = `${PLACE}: has more than ${formatCount(ANSWERS)} answers`;
const ROWS = 2 ** 20;
/** Most letters of a model's name; ours. */
const NAME = 200;

/** Rows of answers. An answer is first checked as a trace of its own. */
export class RecordedAnswers {
  recorded = 0;
  /** Unrecorded answers by reason. */
  readonly missed = new Map<string, number>();
  readonly #options: OpenOptions;
  readonly #rows: AnswerFile;
  readonly #keepText: boolean;
  readonly #report: (line: string) => void;
  #first: Pick<RoutingTrace, 'layers' | 'topK' | 'has'> | null = null;
  #model: string | null = null;
  #ended = false;

  /** @param keepText keeps token ids @param report receives the first failure of each kind */
  constructor(options: OpenOptions, rows: AnswerFile, keepText: boolean, report: (line: string) => void) {
    this.#options = options;
    this.#rows = rows;
    this.#keepText = keepText;
    this.#report = report;
  }

  /** Adds a reply, or a list of replies (SGLang's own interface). @param start as of {@link add} */
  addAll(value: unknown, start: unknown): void {
    const replies = [value].flat();
    if (replies.length > ANSWERS) this.miss(MANY);
    else for (const reply of replies) this.add(reply, start);
  }

  /** Adds the answers of a reply. @param start position of the first row; undefined: not given */
  add(value: unknown, start: unknown): void {
    if (this.#ended) return;
    try {
      const reply = { ...(start === undefined ? {} : { routed_experts_start_len: start }), ...objectAt(value, PLACE) };
      if ('model' in reply && typeof reply.model === 'string' && reply.model.length <= NAME) this.#model ??= reply.model;
      const isLlama = LLAMA_BUILD.test(String(ownValue(reply, 'system_fingerprint')));
      let answers = 0;
      for (const answer of answersOf(reply, PLACE, expected(this.#options))) {
        if (++answers > ANSWERS) throw new UserError(MANY);
        if (answer === null) this.miss(isLlama ? BESIDE : SILENT);
        else this.#append(this.#imported(answer));
      }
    } catch (error) {
      this.miss(messageOf(error));
    }
  }

  miss(why: string): void {
    // A substring would keep the whole text.
    const text = textOf(bytesOf(why.slice(0, LETTERS)));
    const known = this.missed.get(text);
    const reason = known === undefined && this.missed.size >= REASONS ? OTHERS : text;
    if (!this.missed.has(reason)) this.#report(`not recorded: ${reason}`);
    this.missed.set(reason, (this.missed.get(reason) ?? 0) + 1);
  }

  #imported(answer: ChoiceRequest): RoutingTrace {
    let rows = 0;
    for (const { tokens } of answer.arrays) rows += tokens;
    if (rows > ROWS) throw new UserError(`${PLACE}: has ${formatCount(rows)} rows; no context is longer than ${formatCount(ROWS)}`);
    const kept = this.#keepText ? answer : { ...answer, tokenIds: null };
    return importChoices(PLACE, this.#options, { format: 'replies' }, [kept]);
  }

  #append(trace: RoutingTrace): void {
    try {
      if (this.#options.model !== undefined) checkFits(trace, this.#options.model);
      const first = this.#first ?? trace;
      if (first.layers !== trace.layers || first.topK !== trace.topK || first.has.tokenIds !== trace.has.tokenIds)
        throw new UserError(`${PLACE}: other layers, choices or token ids than in earlier ones; record one model at a time`);
      this.#rows.add(this.#linesOf(trace));
      this.#first = first;
      this.recorded++;
    } finally {
      trace.close();
    }
  }

  *#linesOf(trace: RoutingTrace): Generator<string, void, void> {
    if (this.#first === null) {
      const { num_experts: experts, ...header } = metadataOf(trace, { ...UNFINISHED, ...(this.#model !== null && { model: this.#model }) });
      // Choices do not reveal the number of experts.
      const known = expected(this.#options, trace.layers).experts !== null;
      yield `${JSON.stringify(known ? { ...header, num_experts: experts } : header)}\n`;
    }
    const requests = trace.requests.map((request) => ({ ...request, id: this.recorded }));
    yield* jsonlLines({ ...trace, requests }, false);
  }

  /** Trace of all answers. @throws UserError if no answer was recorded */
  async finish(): Promise<RoutingTrace> {
    this.#ended = true;
    if (this.#first === null) throw new UserError('record --proxy: no answer with routed experts has passed; nothing is written');
    const missed = [...this.missed.values()].reduce((sum, count) => sum + count, 0);
    const trace = await this.#rows.trace(this.#options);
    const { recording: _, ...found } = trace.meta.notes;
    const notes = missed === 0 ? found : { ...found, answers_without_routing: String(missed) };
    return { ...trace, meta: { ...trace.meta, format: 'replies', model: this.#model, notes } };
  }
}

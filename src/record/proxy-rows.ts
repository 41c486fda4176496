import { messageOf, UserError } from '../base/errors.js';
import { importChoices } from '../trace/formats/choice-array.js';
import { expected, type OpenOptions } from '../trace/formats/format.js';
import { objectAt } from '../trace/formats/json-values.js';
import { answersOf } from '../trace/formats/replies.js';
import { checkFits } from '../trace/open/open.js';
import { TraceStore } from '../trace/store.js';
import { chunks, type RoutingTrace } from '../trace/trace.js';

const PLACE = 'a reply';
const SILENT =
  'it has no routed experts; start the server with --enable-return-routed-experts (vLLM streams them from /inference/v1/generate alone)';

/** The rows of answers, as they end. Every answer is read and checked as a trace of its own first: one that is wrong leaves the others whole. */
export class RecordedAnswers {
  recorded = 0;
  /** Answers that are not, by reason. */
  readonly missed = new Map<string, number>();
  readonly #options: OpenOptions;
  readonly #keepText: boolean;
  readonly #tell: (line: string) => void;
  #store: TraceStore | null = null;
  #model: string | null = null;

  /** @param keepText true: token ids are kept @param tell receives the first answer of each kind of failure */
  constructor(options: OpenOptions, keepText: boolean, tell: (line: string) => void) {
    this.#options = options;
    this.#keepText = keepText;
    this.#tell = tell;
  }

  /** Adds the answers of a reply. @param start position of its first row, from its request; undefined: it has none */
  add(value: unknown, start: unknown): void {
    try {
      const reply = { ...(start === undefined ? {} : { routed_experts_start_len: start }), ...objectAt(value, PLACE) };
      for (const answer of answersOf(reply, PLACE, expected(this.#options))) {
        if (answer === null) this.miss(SILENT);
        else {
          const kept = this.#keepText ? answer : { ...answer, tokenIds: null };
          this.#append(importChoices(PLACE, this.#options, { format: 'replies' }, [kept]));
        }
      }
      if ('model' in reply && typeof reply.model === 'string') this.#model ??= reply.model;
    } catch (error) {
      this.miss(messageOf(error));
    }
  }

  miss(why: string): void {
    const before = this.missed.get(why) ?? 0;
    this.missed.set(why, before + 1);
    if (before === 0) this.#tell(`not recorded: ${why}`);
  }

  #append(trace: RoutingTrace): void {
    const { has, layers, topK } = trace;
    try {
      if (this.#options.model !== undefined) checkFits(trace, this.#options.model);
      const store = (this.#store ??= new TraceStore({ path: 'the recording', layers, topK, tokenIds: has.tokenIds }));
      const ids = this.recorded > 0 && store.tokenIds.length > 0;
      if (store.layers !== layers || store.topK !== topK || (this.recorded > 0 && ids !== has.tokenIds))
        throw new UserError(`${PLACE}: other layers, choices or token ids than in earlier ones; record one model at a time`);
      for (const chunk of chunks(trace)) {
        for (let row = 0; row < chunk.tokens; row++) {
          store.seek(store.rows);
          store.ids.set(chunk.experts.subarray(row * layers * topK, (row + 1) * layers * topK), store.idsAt);
          if (chunk.tokenId !== null) store.tokenIds[store.tokenAt] = chunk.tokenId[row]!;
          store.addRow(this.recorded, chunk.position[row]!, chunk.phase[row]!);
        }
      }
      this.recorded++;
    } finally {
      trace.close();
    }
  }

  /** The trace of all answers, to which nothing is added any more. @throws UserError if there is none */
  finish(): RoutingTrace {
    if (this.#store === null) throw new UserError('record --proxy: no answer with routed experts has passed; nothing is written');
    const missed = [...this.missed.values()].reduce((sum, count) => sum + count, 0);
    const notes: Record<string, string> = missed === 0 ? {} : { answers_without_routing: String(missed) };
    return this.#store.finish(expected(this.#options, this.#store.layers).experts, { format: 'replies', model: this.#model, notes });
  }
}

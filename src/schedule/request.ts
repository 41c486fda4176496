import type { Segment } from './routing-walk.js';

/** One request, a walk through a trace: `prefill` prompt rows, then `decode` generated ones, consecutive from `start`, or in segments. */
export class Request {
  /** Order of arrival, 0-based. */
  readonly index: number;
  readonly start: number;
  readonly prefill: number;
  readonly decode: number;
  readonly arrivalNs: number;
  /** Class of the request, for objectives that differ by class; empty: none. */
  readonly requestClass: string;
  /** Trace row of position p is `rowBase + p`, for every p below `segmentEnd` from the place of the walk on. */
  rowBase: number;
  segmentEnd: number;
  /** Rows that have run since its last preemption. */
  done = 0;
  /** Rows that run as a prompt: those of the prompt, and after a preemption those that had run. */
  promptRows: number;
  /** Rows that have been run at least once. */
  computed = 0;
  /** Tokens of KV cache that are set aside for it: none while it does not run. */
  kvTokens = 0;
  /** Trace row that was run last; -1 before. */
  lastRow = -1;
  /** Passes that had run when it arrived, and when a scheduler admitted it; `Pass.number` of its last pass, 0 before. */
  arrivedPass = 0;
  admittedPass = 0;
  lastPass = 0;
  /** GPU that has room for its KV cache and runs its dense layers; settled while it runs. Of the last time it was admitted, 0 before. */
  gpu = 0;
  settled = false;
  /** Place among the requests that run at once, given while it runs; -1 before and after. */
  slot = -1;
  /** Passes that verified a draft of it, and the start of its draws, [0, 1); -1 before the first. */
  verified = 0;
  drawShift = -1;
  /** Start of its first pass, ns; -1 before. */
  startedNs = -1;
  /** Time of its first output token (end of the prefill; start of the first pass if the trace has no prefill), ns; -1 before. */
  firstTokenNs = -1;
  /** Time of its newest token, ns. */
  lastTokenNs = -1;
  /** End of its last pass before the first token, start of its first one before that, ns. */
  promptedNs = -1;
  /** `firstTokenNs` on the clocks of the bounds: everything resident, and no cache. */
  firstTokenAllResidentNs = 0;
  firstTokenNoCacheNs = 0;
  /** Passes that had ended at its first output token. */
  firstTokenPass = 0;

  readonly #segments: readonly Segment[];
  #segment = 0;

  /** @param fields `segments`: rows in order, as many as `prefill + decode`; absent: consecutive from `start` */
  constructor(fields: {
    index: number;
    start: number;
    prefill: number;
    decode: number;
    arrivalNs: number;
    segments?: readonly Segment[];
    requestClass?: string;
  }) {
    this.index = fields.index;
    this.start = fields.start;
    this.prefill = fields.prefill;
    this.promptRows = fields.prefill;
    this.decode = fields.decode;
    this.arrivalNs = fields.arrivalNs;
    this.requestClass = fields.requestClass ?? '';
    this.#segments = fields.segments ?? [{ row: fields.start, tokens: this.tokens }];
    this.rowBase = fields.start;
    this.segmentEnd = this.#segments[0]!.tokens;
  }

  get tokens(): number {
    return this.prefill + this.decode;
  }

  /** True while rows are left that run as a prompt. */
  get inPrefill(): boolean {
    return this.done < this.promptRows;
  }

  get finished(): boolean {
    return this.done >= this.tokens;
  }

  /** Restarts a request that has lost its KV cache: its rows, and what it generated, run again as a prompt, whose end gives the next token. */
  restart(): void {
    if (this.computed > 0 && this.computed >= this.prefill) this.promptRows = this.computed + 1;
    this.done = 0;
    this.lastRow = -1;
    this.#segment = 0;
    this.rowBase = this.start;
    this.segmentEnd = this.#segments[0]!.tokens;
  }

  /** Moves the walk from `segmentEnd` to the next segment. */
  turn(): void {
    const from = this.segmentEnd;
    const { row, tokens } = this.#segments[++this.#segment]!;
    this.rowBase = row - from;
    this.segmentEnd = from + tokens;
  }

  /** The row of a drafted token that turns out wrong: that of the token half of the generated ones away. @returns the row, and how many follow */
  standIn(position: number): Segment {
    return this.placeOf(this.prefill + ((position - this.prefill + (this.decode >> 1)) % this.decode));
  }

  /** The place of a position in the trace: its row, and the number of consecutive rows from there. Moves nothing. */
  placeOf(position: number): Segment {
    let from = 0;
    for (const { row, tokens } of this.#segments) {
      if (position < from + tokens) return { row: row + position - from, tokens: from + tokens - position };
      from += tokens;
    }
    throw new Error(`request ${this.index} has ${from} rows, and none at ${position}`);
  }

  /** Trace row of `position`, which has not been run yet. Moves nothing. */
  rowAt(position: number): number {
    if (position < this.segmentEnd) return this.rowBase + position;
    let from = this.segmentEnd;
    for (let next = this.#segment + 1; ; next++) {
      const { row, tokens } = this.#segments[next]!;
      if (position < from + tokens) return row + position - from;
      from += tokens;
    }
  }
}

/** Speculative decoding: how many tokens a request would draft for its next pass, none while it reads its prompt. */
export interface Drafts {
  draftOf(request: Request): number;
}

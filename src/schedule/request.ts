import type { Segment } from './routing-walk.js';

/**
 * A walk through a trace: `prefill` prompt rows, then `decode` generated rows, consecutive from `start` or in segments.
 */
export class Request {
  /** Order of arrival, 0-based. */
  readonly index: number;
  readonly start: number;
  readonly prefill: number;
  readonly decode: number;
  readonly arrivalNs: number;
  /** Class for objectives; empty: none. */
  readonly requestClass: string;
  /** Trace row of position p: `rowBase + p`, for p from the walk's place up to `segmentEnd`. */
  rowBase: number;
  segmentEnd: number;
  /** Rows run since the last preemption. */
  done = 0;
  /** Rows that run as a prompt: the prompt, and rows recomputed after a preemption. */
  promptRows: number;
  /** Rows run at least once. */
  computed = 0;
  /** Reserved tokens of KV cache; 0 while not running. */
  kvTokens = 0;
  /** Last run trace row; -1: none. */
  lastRow = -1;
  /** Passes run before arrival and before admission; `Pass.number` of the last pass, 0: none. */
  arrivedPass = 0;
  admittedPass = 0;
  lastPass = 0;
  /** GPU with the KV cache and dense layers since the last admission; settled: fixed while running. */
  gpu = 0;
  settled = false;
  /** Place among concurrent requests; -1 while not running. */
  slot = -1;
  /** Passes that verified a draft, and offset of the draws, [0, 1); -1 before the first. */
  verified = 0;
  drawShift = -1;
  /** Start of the first pass, ns; -1 before. */
  startedNs = -1;
  /** First output token, ns (end of prefill, or start of the first pass without prefill); -1 before. */
  firstTokenNs = -1;
  lastTokenNs = -1;
  /** End of the last pass before the first token (at first: start of the first pass), ns. */
  promptedNs = -1;
  /** `firstTokenNs` on the bounds' clocks: everything resident, and no cache. */
  firstTokenAllResidentNs = 0;
  firstTokenNoCacheNs = 0;
  /** Passes ended by the first output token. */
  firstTokenPass = 0;

  readonly #segments: readonly Segment[];
  #segment = 0;

  /** @param fields `segments`: `prefill + decode` rows in order; absent: consecutive from `start` */
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

  /** True while prompt rows are left. */
  get inPrefill(): boolean {
    return this.done < this.promptRows;
  }

  get finished(): boolean {
    return this.done >= this.tokens;
  }

  /** Restarts without KV cache: known tokens run again as a prompt, and the end gives the next token. */
  restart(): void {
    if (this.computed > 0 && this.computed >= this.prefill) this.promptRows = this.computed + 1;
    this.done = 0;
    this.lastRow = -1;
    this.#segment = 0;
    this.rowBase = this.start;
    this.segmentEnd = this.#segments[0]!.tokens;
  }

  /** Moves the walk to the next segment. */
  turn(): void {
    const from = this.segmentEnd;
    const { row, tokens } = this.#segments[++this.#segment]!;
    this.rowBase = row - from;
    this.segmentEnd = from + tokens;
  }

  /** Stand-in row of a rejected token, half the output away. @returns the row, and rows that follow */
  standIn(position: number): Segment {
    return this.placeOf(this.prefill + ((position - this.prefill + (this.decode >> 1)) % this.decode));
  }

  /** Row of a position, and consecutive rows from the position; the walk stays. */
  placeOf(position: number): Segment {
    let from = 0;
    for (const { row, tokens } of this.#segments) {
      if (position < from + tokens) return { row: row + position - from, tokens: from + tokens - position };
      from += tokens;
    }
    throw new Error(`request ${this.index} has ${from} rows, and none at ${position}`);
  }

  /** Trace row of a position not yet run; the walk stays. */
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

/** Draft lengths of requests, 0 during the prompt. */
export interface Drafts {
  draftOf(request: Request): number;
}

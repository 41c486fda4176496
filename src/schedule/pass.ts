import { allocateChunk, NULL_EXPERT, type RoutingTrace, type TraceChunk } from '../trace/trace.js';
import { type ClassBudgets, noUse } from './class-budget.js';
import type { Request } from './request.js';
import type { Segment } from './routing-walk.js';
import type { Share } from './scheduler.js';

/** Alternative experts for the pass's tokens. */
export interface Candidates {
  /** Candidates per token and layer, and per token. */
  readonly topK: number;
  readonly row: number;
  /** `[tokens, layers, topK]` experts within the layer in rank order, NULL_EXPERT = none; and gate weights. */
  readonly experts: Uint16Array;
  readonly weights: Float32Array;
  /** Reads trace row `at` for token `to`; the buffer of `lane` reads ahead up to row `end`. */
  take(lane: number, at: number, end: number, to: number): void;
}

/** Columns have `tokens` valid rows. Refilled for each pass. */
export class Pass {
  /** Passes filled so far. */
  number = 0;
  tokens = 0;
  /** Decode tokens including drafted tokens; the rest are prompt tokens. */
  decodeTokens = 0;
  /** Drafting time before the pass, ns. */
  draftNs = 0;
  /** Drafting steps before the pass: the largest draft, tokens. */
  draftSteps = 0;
  /** Drafting steps so far, counted by the engine. */
  drafted = 0;
  /** Width of a token's row: layers x topK. */
  readonly row: number;
  readonly layers: number;
  readonly topK: number;
  /** `[tokens, layers, topK]`, expert within the layer in rank order, NULL_EXPERT = none. */
  choices = new Uint16Array(0);
  /** The last list of {@link listChosen}. */
  readonly chosen: Uint16Array;
  weights: Float32Array | null;
  predicted: Uint16Array | null;
  readonly predictedK: number;
  readonly candidates: Candidates | null;
  readonly budgets: ClassBudgets | null;
  /** Place of each token's request among concurrent requests. */
  slot = new Int32Array(0);
  gpu = new Int32Array(0);
  /** `Request.index` of each token. */
  request = new Int32Array(0);
  position = new Int32Array(0);
  /** Drafting step of each token, from 1; 0: not run by the drafter, as the last token of a draft. */
  draftStep = new Int32Array(0);
  /** By token: 1 if drafted and rejected. */
  wrong = new Uint8Array(0);
  tokenId: Int32Array | null;
  sequences = 0;
  /** Before the pass, tokens. */
  readonly sequenceContext: Int32Array;
  readonly sequenceTokens: Int32Array;

  readonly #trace: RoutingTrace;
  readonly #context: number;
  readonly #buffers: (SlotBuffer | undefined)[] = [];
  #shares: readonly Share[] = [];
  #next = new Uint16Array(0);
  #nextTokens = 0;
  #nextOf = 0;
  readonly #free: number[] = [];
  /** Slots given out: upper bound of `slot`. */
  #slots = 0;

  /** @param trace of the rows @param context tokens in each KV cache before the first */
  constructor(
    trace: RoutingTrace,
    maxSequences: number,
    candidates: Candidates | null = null,
    context = 0,
    budgets: ClassBudgets | null = null,
  ) {
    this.#trace = trace;
    this.#context = context;
    this.candidates = candidates;
    this.budgets = budgets;
    this.layers = trace.layers;
    this.topK = trace.topK;
    this.row = trace.layers * trace.topK;
    this.predictedK = trace.has.predictedK;
    this.sequenceContext = new Int32Array(maxSequences);
    this.sequenceTokens = new Int32Array(maxSequences);
    this.chosen = new Uint16Array(trace.topK);
    this.weights = trace.has.weights ? new Float32Array(0) : null;
    this.predicted = this.predictedK > 0 ? new Uint16Array(0) : null;
    this.tokenId = trace.has.tokenIds ? new Int32Array(0) : null;
    this.#reserve(Math.max(1, maxSequences));
  }

  /** @param draftNs drafting time, ns */
  fill(shares: readonly Share[], draftNs = 0): void {
    this.number++;
    this.#shares = shares;
    this.draftNs = draftNs;
    this.draftSteps = 0;
    this.drafted = 0;
    this.tokens = 0;
    this.decodeTokens = 0;
    this.sequences = shares.length;
    let total = 0;
    for (const share of shares) total += share.tokens;
    this.#reserve(total);
    for (let i = 0; i < shares.length; i++) {
      const { again = false, rejected = 0, request, standIns, tokens } = shares[i]!;
      const from = again ? request.done - tokens : request.done;
      if (request.slot < 0) request.slot = this.#free.pop() ?? this.#slots++;
      this.sequenceContext[i] = this.#context + from;
      this.sequenceTokens[i] = tokens;
      if (!request.inPrefill) this.decodeTokens += tokens;
      const drafted = again || request.inPrefill ? 0 : tokens - 1;
      this.draftSteps = Math.max(this.draftSteps, drafted);
      for (let k = 0; k < tokens; k++) this.draftStep[this.tokens + k] = k < drafted ? k + 1 : 0;
      const right = again ? tokens : tokens - rejected;
      this.wrong.fill(0, this.tokens, this.tokens + right).fill(1, this.tokens + right, this.tokens + tokens);
      if (again) for (let k = 0; k < tokens; k++) this.#appendAt(request, from + k, request.slot, request.placeOf(from + k));
      else this.#append(request, tokens - rejected);
      if (again) continue;
      // Stand-ins have a separate read-ahead buffer.
      const lane = this.sequenceTokens.length + request.slot;
      for (let k = tokens - rejected; k < tokens; k++) {
        const place = standIns === undefined ? request.standIn(from + k) : request.placeOf(standIns.sourceOf(request, k));
        this.#appendAt(request, from + k, lane, place);
      }
    }
  }

  /** Takes a begun request's next row, as if alone in a pass; the request does not change. */
  preview(request: Request): void {
    this.number++;
    this.#shares = [];
    this.draftSteps = 0;
    this.draftStep[0] = 0;
    this.wrong[0] = 0;
    this.tokens = 0;
    this.decodeTokens = 1;
    this.sequences = 1;
    this.sequenceContext[0] = this.#context + request.done;
    this.sequenceTokens[0] = 1;
    this.#appendAt(request, request.done, request.slot, request.placeOf(request.done));
  }

  /**
   * Choices of the tokens after the pass, as `choices`: the truth, for oracles only. Prompts and drafts continue with
   * as many tokens. @returns a view until the next call
   */
  following(): Uint16Array {
    if (this.#nextOf !== this.number) {
      this.#nextOf = this.number;
      this.#nextTokens = 0;
      for (const share of this.#shares) this.#follow(share);
    }
    return this.#next.subarray(0, this.#nextTokens * this.row);
  }

  #follow({ again = false, rejected = 0, request, tokens }: Share): void {
    const from = again ? request.done : request.done + tokens - rejected;
    const end = from < request.promptRows ? request.promptRows : request.tokens;
    // A prompt ends with a single generated token.
    const count = Math.min(end - from, from >= request.promptRows && request.inPrefill ? 1 : tokens);
    const { row } = this;
    for (let position = from; position < from + count; position++) {
      const place = request.placeOf(position);
      const buffer = this.#bufferOf(request.slot);
      const at = buffer.seek(place.row, place.row + place.tokens);
      if ((this.#nextTokens + 1) * row > this.#next.length) this.#next = grown(this.#next, row);
      const to = this.#nextTokens++ * row;
      copy(buffer.chunk.experts, at * row, this.#next, to, row);
      this.budgets?.cut(request.requestClass, place.row, this.#next, null, to, noUse());
    }
  }

  /** Lists a token's experts at a layer by rank into {@link chosen}. @returns the number */
  listChosen(token: number, layer: number): number {
    const { choices, chosen, topK } = this;
    const from = token * this.row + layer * topK;
    let count = 0;
    for (let i = from; i < from + topK; i++) if (choices[i] !== NULL_EXPERT) chosen[count++] = choices[i]!;
    return count;
  }

  /** Marks rows as run and frees slots of finished requests. */
  advance(shares: readonly Share[]): void {
    for (const { rejected = 0, request, tokens } of shares) {
      request.done += tokens - rejected;
      request.computed = Math.max(request.computed, request.done);
      request.lastRow = request.rowBase + request.done - 1;
      if (request.finished) this.release(request);
    }
  }

  release(request: Request): void {
    if (request.slot < 0) return;
    this.#free.push(request.slot);
    request.slot = -1;
  }

  #append(request: Request, count: number): void {
    for (let k = 0; k < count; k++) {
      const position = request.done + k;
      if (position === request.segmentEnd) request.turn();
      this.#take(request, position, request.slot, request.rowBase + position, request.rowBase + request.segmentEnd);
    }
  }

  #appendAt(request: Request, position: number, lane: number, { row, tokens }: Segment): void {
    this.#take(request, position, lane, row, row + tokens);
  }

  /** Appends trace row `at`. @param lane buffer that reads ahead up to row `end` */
  #take(request: Request, position: number, lane: number, at: number, end: number): void {
    const buffer = this.#bufferOf(lane);
    const { row } = this;
    const from = buffer.seek(at, end);
    const { chunk } = buffer;
    const to = this.tokens++;
    copy(chunk.experts, from * row, this.choices, to * row, row);
    if (this.weights !== null) copy(chunk.weights!, from * row, this.weights, to * row, row);
    this.budgets?.cut(request.requestClass, at, this.choices, this.weights, to * row);
    if (this.predicted !== null) {
      const width = this.layers * this.predictedK;
      copy(chunk.predicted!, from * width, this.predicted, to * width, width);
    }
    if (this.tokenId !== null) this.tokenId[to] = chunk.tokenId![from]!;
    this.candidates?.take(lane, at, end, to);
    this.slot[to] = request.slot;
    this.gpu[to] = request.gpu;
    this.request[to] = request.index;
    this.position[to] = position;
  }

  #bufferOf(lane: number): SlotBuffer {
    return (this.#buffers[lane] ??= new SlotBuffer(this.#trace));
  }

  #reserve(tokens: number): void {
    if (tokens <= this.slot.length) return;
    const capacity = Math.max(tokens, this.slot.length * 2);
    this.choices = new Uint16Array(capacity * this.row);
    if (this.weights !== null) this.weights = new Float32Array(capacity * this.row);
    if (this.predicted !== null) this.predicted = new Uint16Array(capacity * this.layers * this.predictedK);
    this.slot = new Int32Array(capacity);
    this.gpu = new Int32Array(capacity);
    this.request = new Int32Array(capacity);
    this.position = new Int32Array(capacity);
    this.draftStep = new Int32Array(capacity);
    this.wrong = new Uint8Array(capacity);
    if (this.tokenId !== null) this.tokenId = new Int32Array(capacity);
  }
}

/** Rows that a slot reads ahead; at batch 1, the size of a sequential read. Ours. */
const READ_AHEAD = 256;

/** Trace rows read ahead for a request: block reads are faster. */
export class SlotBuffer {
  readonly chunk: TraceChunk;
  readonly #trace: RoutingTrace;
  #start = 0;

  constructor(trace: RoutingTrace) {
    this.#trace = trace;
    this.chunk = allocateChunk(trace, READ_AHEAD);
  }

  /** Row of `chunk` with trace row `at`; reads ahead up to `end`. */
  seek(at: number, end: number): number {
    if (at < this.#start || at >= this.#start + this.chunk.tokens) {
      this.#trace.read(at, Math.min(READ_AHEAD, end - at), this.chunk);
      this.#start = at;
    }
    return at - this.#start;
  }
}

function grown(choices: Uint16Array, row: number): Uint16Array<ArrayBuffer> {
  const larger = new Uint16Array(2 * choices.length + row);
  larger.set(choices);
  return larger;
}

/** A plain loop: as fast as `set(subarray)` for a few hundred elements, without allocation. */
function copy<T extends Uint16Array | Float32Array>(source: T, from: number, target: T, to: number, count: number): void {
  for (let i = 0; i < count; i++) target[to + i] = source[from + i]!;
}

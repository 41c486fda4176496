import { allocateChunk, type RoutingTrace } from '../trace/trace.js';
import type { Request } from './request.js';

/** Fewest ids that must agree, and most that are compared. */
const LEAST = 2;
const MOST = 4;
const ROWS = 256;

interface Text {
  readonly ids: Int32Array;
  /** By pair of neighbouring ids, as one number, the last place at which it ended; by position the place before for its pair; -1: none. */
  readonly last: Map<number, number>;
  readonly before: Int32Array;
  /** Positions that are indexed: those before it. */
  indexed: number;
  /** Position whose draft was looked up last, the end of the ids that agree there, and how many they are; end -1: none do. */
  at: number;
  end: number;
  agreeing: number;
}

/** Drafts from a request's own text: what followed its last ids before (prompt lookup, github.com/apoorvumang/prompt-lookup-decoding). */
export class TextDrafts {
  readonly #trace: RoutingTrace;
  readonly #texts = new WeakMap<Request, Text>();

  /** @param trace with token ids */
  constructor(trace: RoutingTrace) {
    this.#trace = trace;
  }

  /** Looks up the ids up to the next one of a request. @returns how many agree, {@link LEAST} to {@link MOST}; 0: nothing is drafted */
  find(request: Request): number {
    const text = this.#textOf(request);
    const { done } = request;
    if (text.at !== done) this.#lookUp(text, done);
    return text.agreeing;
  }

  /** Position of the text that the `k`-th drafted token, from 1, is copied from: the draft repeats itself when it reaches its own beginning. */
  sourceOf(request: Request, k: number): number {
    const { at, end } = this.#textOf(request);
    return end + 1 + ((k - 1) % (at - end));
  }

  /** How many of the first `drafted` tokens of the draft are what follows. */
  right(request: Request, drafted: number): number {
    const { ids } = this.#textOf(request);
    let right = 0;
    while (right < drafted && ids[this.sourceOf(request, right + 1)] === ids[request.done + right + 1]) right++;
    return right;
  }

  #lookUp(text: Text, at: number): void {
    const { before, ids, last } = text;
    for (; text.indexed <= at; text.indexed++) {
      const pair = ids[text.indexed - 1]! * 2 ** 31 + ids[text.indexed]!;
      before[text.indexed] = last.get(pair) ?? -1;
      last.set(pair, text.indexed);
    }
    text.at = at;
    text.agreeing = 0;
    text.end = -1;
    // The longest agreement wins, and of equals the newest.
    for (let end = before[at]!; end > 0 && text.agreeing < MOST; end = before[end]!) {
      let agreeing = LEAST;
      while (agreeing < MOST && end >= agreeing && ids[end - agreeing] === ids[at - agreeing]) agreeing++;
      if (agreeing <= text.agreeing) continue;
      text.agreeing = agreeing;
      text.end = end;
    }
  }

  #textOf(request: Request): Text {
    const known = this.#texts.get(request);
    if (known !== undefined) return known;
    const { tokens } = request;
    const ids = new Int32Array(tokens);
    const chunk = allocateChunk(this.#trace, ROWS);
    for (let position = 0; position < tokens; position += chunk.tokens) {
      const place = request.placeOf(position);
      this.#trace.read(place.row, Math.min(ROWS, place.tokens), chunk);
      ids.set(chunk.tokenId!.subarray(0, chunk.tokens), position);
    }
    const text = {
      ids,
      last: new Map<number, number>(),
      before: new Int32Array(tokens).fill(-1),
      indexed: 1,
      at: -1,
      end: -1,
      agreeing: 0,
    };
    this.#texts.set(request, text);
    return text;
  }
}

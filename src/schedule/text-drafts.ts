import { allocateChunk, type RoutingTrace } from '../trace/trace.js';
import type { Request } from './request.js';

/** Fewest and most compared ids of a match. */
const LEAST = 2;
const MOST = 4;
/** Trace rows of a read. Ours. */
const ROWS = 256;

interface Text {
  readonly ids: Int32Array;
  /** Last end of each pair of neighbouring ids; by position, the pair's previous end; -1: none. */
  readonly last: Map<number, number>;
  readonly before: Int32Array;
  indexed: number;
  /** Last looked-up position, the match's end and length; end -1: no match. */
  at: number;
  end: number;
  agreeing: number;
}

/**
 * Drafts from a request's own text: continuation of an earlier match (prompt lookup,
 * github.com/apoorvumang/prompt-lookup-decoding).
 */
export class TextDrafts {
  readonly #trace: RoutingTrace;
  readonly #texts = new WeakMap<Request, Text>();

  constructor(trace: RoutingTrace) {
    this.#trace = trace;
  }

  /** Matches a request's last ids. @returns match length, {@link LEAST} to {@link MOST}; 0: no draft */
  find(request: Request): number {
    const text = this.#textOf(request);
    const { done } = request;
    if (text.at !== done) this.#lookUp(text, done);
    return text.agreeing;
  }

  /** Source of the `k`-th drafted token, from 1; a draft repeats from the match's end on. */
  sourceOf(request: Request, k: number): number {
    const { at, end } = this.#textOf(request);
    return end + 1 + ((k - 1) % (at - end));
  }

  /** Right tokens among the first `drafted`. */
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
    // The longest match wins, ties to the newest.
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

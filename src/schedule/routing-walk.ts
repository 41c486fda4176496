import { Random } from '../base/random.js';
import type { TraceRequest } from '../trace/trace.js';

/** Consecutive rows of a trace. */
export interface Segment {
  readonly row: number;
  readonly tokens: number;
}

/** Reuse of a trace's routing. */
export interface RoutingUse {
  readonly tokens: number;
  /** Tokens on an already used row. */
  readonly reused: number;
  /** Phase that takes the other phase's rows, for lack of rows in the trace; null: none. */
  readonly borrowed: 'prompt' | 'output' | null;
}

interface Pool {
  /** Request (index), first row and rows of each run. */
  readonly request: readonly number[];
  readonly row: readonly number[];
  readonly tokens: readonly number[];
  readonly total: number;
}

/** For other lengths than the trace's: rows in order, then random places. */
export class RoutingWalks {
  readonly #requests: readonly TraceRequest[];
  readonly #prompts: Pool;
  readonly #outputs: Pool;
  readonly #borrowed: RoutingUse['borrowed'];
  readonly #random: Random;
  readonly #seen: Uint8Array;
  #planned = 0;
  #tokens = 0;
  #reused = 0;

  /** @param rows usable rows from the start, at least 1 */
  constructor(requests: readonly TraceRequest[], rows: number, seed: number) {
    const cut = cutAt(requests, rows);
    const prompts = poolOf(cut, ({ start, prefill }) => ({ row: start, tokens: prefill }));
    const outputs = poolOf(cut, ({ start, prefill, decode }) => ({ row: start + prefill, tokens: decode }));
    this.#requests = cut;
    this.#borrowed = prompts.total === 0 ? 'prompt' : outputs.total === 0 ? 'output' : null;
    this.#prompts = prompts.total === 0 ? outputs : prompts;
    this.#outputs = outputs.total === 0 ? prompts : outputs;
    this.#random = new Random(seed, 'workload/routing');
    this.#seen = new Uint8Array(rows);
  }

  get use(): RoutingUse {
    return { tokens: this.#tokens, reused: this.#reused, borrowed: this.#borrowed };
  }

  /** Rows for the next request: `prefill` prompt tokens, then `decode` generated tokens. */
  plan(prefill: number, decode: number): readonly Segment[] {
    const segments: Segment[] = [];
    const planned = this.#planned < this.#requests.length ? this.#planned : -1;
    this.#planned++;
    const phases = [
      { need: prefill, pool: this.#prompts },
      { need: decode, pool: this.#outputs },
    ];
    let request = planned;
    for (const { need, pool } of phases) {
      let left = need;
      // Output follows the prompt's trace request; a borrowed phase continues the other phase.
      const follows = pool.request.indexOf(request);
      if (left > 0 && follows >= 0) {
        const last = segments.at(-1);
        const start = pool.row[follows]!;
        const end = start + pool.tokens[follows]!;
        const at = this.#borrowed !== null && last !== undefined ? Math.min(end, last.row + last.tokens) : start;
        left -= this.#take(segments, at, Math.min(left, end - at));
      }
      while (left > 0) {
        let offset = this.#random.below(pool.total);
        let run = 0;
        while (offset >= pool.tokens[run]!) offset -= pool.tokens[run++]!;
        request = pool.request[run]!;
        left -= this.#take(segments, pool.row[run]! + offset, Math.min(left, pool.tokens[run]! - offset));
      }
    }
    return segments;
  }

  #take(segments: Segment[], row: number, tokens: number): number {
    if (tokens <= 0) return 0;
    const last = segments.at(-1);
    if (last !== undefined && last.row + last.tokens === row)
      segments[segments.length - 1] = { row: last.row, tokens: last.tokens + tokens };
    else segments.push({ row, tokens });
    const seen = this.#seen;
    for (let at = row; at < row + tokens; at++) {
      this.#reused += seen[at]!;
      seen[at] = 1;
    }
    this.#tokens += tokens;
    return tokens;
  }
}

function poolOf(requests: readonly TraceRequest[], run: (request: TraceRequest) => Segment): Pool {
  const runs = requests.map((request, index) => ({ index, ...run(request) })).filter(({ tokens }) => tokens > 0);
  return {
    request: runs.map(({ index }) => index),
    row: runs.map(({ row }) => row),
    tokens: runs.map(({ tokens }) => tokens),
    total: runs.reduce((sum, { tokens }) => sum + tokens, 0),
  };
}

/** Requests that begin in a trace's first `rows` rows, cut at the end. */
export function cutAt(requests: readonly TraceRequest[], rows: number): TraceRequest[] {
  const begun = requests.filter(({ start }) => start < rows);
  return begun.map((request) => {
    const length = Math.min(request.prefill + request.decode, rows - request.start);
    const prefill = Math.min(request.prefill, length);
    return { ...request, prefill, decode: length - prefill };
  });
}

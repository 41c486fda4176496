// A request of p prompt and g generated tokens has p + g - 1 routed rows, since the last sampled token is never forwarded. Recorders deviate
// in three ways: an extra row that is empty or a copy, the first token missing, rows lost in between.
import { formatCounted } from '../../base/units.js';
import type { RoutingTrace, TraceChunk } from '../trace.js';
import { isEmpty } from './cached-prefix.js';
import type { AuditCheck } from './check.js';

/** Metadata keys of recorders for the lengths of a single request. */
const PROMPT = ['prompt_length', 'prompt_len', 'num_prompt_tokens'];
const GENERATED = ['generated_tokens', 'completion_tokens', 'num_generated_tokens', 'new_tokens'];

/** Rows too many, too few, or missing. */
export const rowCount: AuditCheck = {
  code: 'row-count',
  summary: 'rows that are off by one, or missing (prompt + generated - 1)',
  start({ trace, tokens }) {
    const seen = new RowsSeen(trace);
    return {
      rows: (chunk, start) => seen.take(chunk, start),
      finish() {
        const found = [...seen.faults(), ...(tokens === trace.tokens ? lengthFaults(trace) : [])];
        if (found.length === 0) return null;
        const text = found.join('; ');
        return {
          level: 'warning',
          what: `${text.charAt(0).toUpperCase()}${text.slice(1)}.`,
          effect:
            'Rows do not belong to the tokens that they are taken for: reuse across the gap or the extra row is made up, and predictors that use ' +
            'token ids learn from the wrong token.',
          fix: 'Record prompt + generated - 1 rows, without padding; a row that is too many is cut with moeprof trace convert FILE --tokens A..B.',
          rows: seen.firstGap < 0 ? null : { count: seen.gaps, first: seen.firstGap },
        };
      },
    };
  },
};

/** Counters over the rows of a trace. */
class RowsSeen {
  /** Number of positions that do not follow the one before, and the row of the first; -1: none. */
  gaps = 0;
  firstGap = -1;
  readonly #trace: RoutingTrace;
  readonly #width: number;
  /** The second-last row of the current request. */
  readonly #before: Uint16Array;
  #missing = 0;
  /** Requests whose last row was seen; of these, last rows without choices, or equal to the row before. */
  #ended = 0;
  #emptyLast = 0;
  #copiedLast = 0;
  /** Requests that begin at position 1. */
  #late = 0;
  #request = -1;
  #position = -1;

  constructor(trace: RoutingTrace) {
    this.#trace = trace;
    this.#width = trace.layers * trace.topK;
    this.#before = new Uint16Array(this.#width);
  }

  take(chunk: TraceChunk, start: number): void {
    for (let row = 0; row < chunk.tokens; row++) {
      const index = chunk.request[row]!;
      const request = this.#trace.requests[index]!;
      const position = chunk.position[row]!;
      if (index !== this.#request) {
        this.#request = index;
        if (position === 1 && request.prefill > 0) this.#late++;
      } else if (position !== this.#position + 1) {
        this.gaps++;
        this.#missing += position - this.#position - 1;
        if (this.firstGap < 0) this.firstGap = start + row;
      }
      this.#position = position;
      const at = row * this.#width;
      const place = start + row - request.start;
      const last = request.prefill + request.decode - 1;
      if (place === last - 1) this.#before.set(chunk.experts.subarray(at, at + this.#width));
      else if (place === last && last > 0) this.#end(chunk.experts, at);
    }
  }

  #end(experts: Uint16Array, at: number): void {
    this.#ended++;
    if (isEmpty(experts, at, this.#width)) this.#emptyLast++;
    else if (equal(experts, at, this.#before)) this.#copiedLast++;
  }

  /** Faults of the rows, in words. Repeated last rows in few requests may be chance. */
  faults(): string[] {
    const found: string[] = [];
    if (this.#emptyLast * 2 > this.#ended) found.push(`the last row of ${formatCounted(this.#emptyLast, 'request')} chooses nothing`);
    if (this.#copiedLast * 2 > this.#ended)
      found.push(`the last row of ${formatCounted(this.#copiedLast, 'request')} repeats the one before it`);
    if (this.#late > 0) {
      found.push(
        `${formatCounted(this.#late, 'request')} ${this.#late === 1 ? 'begins' : 'begin'} at position 1, the first token is left out`,
      );
    }
    if (this.gaps > 0) {
      const are = this.#missing === 1 ? 'is' : 'are';
      found.push(
        `${formatCounted(this.#missing, 'position')} ${are} missing in ${formatCounted(this.gaps, 'gap')}, the first before row ${this.firstGap}`,
      );
    }
    return found;
  }
}

/** Differences between the rows of a single request and the lengths in its metadata, in words. */
function lengthFaults({ meta, requests, tokens }: RoutingTrace): string[] {
  const [prompt, generated] = [noted(meta.notes, PROMPT), noted(meta.notes, GENERATED)];
  if (prompt === null || generated === null || requests.length !== 1 || tokens === prompt + generated - 1) return [];
  return [`the file speaks of ${prompt} prompt and ${generated} generated tokens, so ${prompt + generated - 1} rows, and has ${tokens}`];
}

function equal(experts: Uint16Array, at: number, row: Uint16Array): boolean {
  for (let i = 0; i < row.length; i++) if (experts[at + i] !== row[i]) return false;
  return true;
}

function noted(notes: Readonly<Record<string, string>>, keys: readonly string[]): number | null {
  const key = keys.find((name) => /^\d{1,9}$/.test(notes[name] ?? ''));
  return key === undefined ? null : Number(notes[key]);
}

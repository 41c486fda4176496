// A request of p prompt and g generated tokens has p + g - 1 routed rows, since the last sampled token is never forwarded. Recorders get
// that wrong in three ways: a row too many, filled with nothing or with a copy; the first token left out; rows lost in between.
import type { TraceChunk } from '../trace.js';
import { isEmpty } from './cached-prefix.js';
import { type AuditCheck, counted, type Finding } from './check.js';

/** Metadata keys under which recorders keep the lengths of a single request. */
const PROMPT = ['prompt_length', 'prompt_len', 'num_prompt_tokens'];
const GENERATED = ['generated_tokens', 'completion_tokens', 'num_generated_tokens', 'new_tokens'];

/** Rows too many, too few, or missing. */
export const rowCount: AuditCheck = {
  code: 'row-count',
  summary: 'rows that are off by one, or missing (prompt + generated - 1)',
  start({ trace, tokens }) {
    const width = trace.layers * trace.topK;
    const before = new Uint16Array(width);
    const { requests } = trace;
    let seen = 0;
    let emptyLast = 0;
    let copiedLast = 0;
    let late = 0;
    let gaps = 0;
    let missing = 0;
    let firstGap = -1;
    let request = -1;
    let position = -1;
    return {
      rows(chunk: TraceChunk, start: number): void {
        for (let row = 0; row < chunk.tokens; row++) {
          const index = chunk.request[row]!;
          const { prefill, decode, start: from } = requests[index]!;
          const at = row * width;
          if (index !== request) {
            request = index;
            if (chunk.position[row] === 1 && prefill > 0) late++;
          } else if (chunk.position[row] !== position + 1) {
            gaps++;
            missing += chunk.position[row]! - position - 1;
            if (firstGap < 0) firstGap = start + row;
          }
          position = chunk.position[row]!;
          const place = start + row - from;
          const last = prefill + decode - 1;
          if (place === last && last > 0) {
            seen++;
            if (isEmpty(chunk.experts, at, width)) emptyLast++;
            else if (equal(chunk.experts, at, before)) copiedLast++;
          } else if (place === last - 1) before.set(chunk.experts.subarray(at, at + width));
        }
      },
      finish(): Finding | null {
        const found: string[] = [];
        if (seen > 0 && emptyLast * 2 > seen) found.push(`the last row of ${counted(emptyLast, 'request')} chooses nothing`);
        if (seen > 0 && copiedLast * 2 > seen) found.push(`the last row of ${counted(copiedLast, 'request')} repeats the one before it`);
        if (late > 0)
          found.push(`${counted(late, 'request')} ${late === 1 ? 'begins' : 'begin'} at position 1, the first token is left out`);
        if (gaps > 0)
          found.push(
            `${counted(missing, 'position')} ${missing === 1 ? 'is' : 'are'} missing in ${counted(gaps, 'gap')}, the first before row ${firstGap}`,
          );
        const [prompt, generated] = [noted(trace.meta.notes, PROMPT), noted(trace.meta.notes, GENERATED)];
        if (
          prompt !== null &&
          generated !== null &&
          requests.length === 1 &&
          tokens === trace.tokens &&
          trace.tokens !== prompt + generated - 1
        ) {
          found.push(
            `the file speaks of ${prompt} prompt and ${generated} generated tokens, so ${prompt + generated - 1} rows, and has ${trace.tokens}`,
          );
        }
        if (found.length === 0) return null;
        const text = found.join('; ');
        return {
          code: 'row-count',
          level: 'warning',
          what: `${text.charAt(0).toUpperCase()}${text.slice(1)}.`,
          effect:
            'Rows do not belong to the tokens that they are taken for: reuse across the gap or the extra row is made up, and predictors that use ' +
            'token ids learn from the wrong token.',
          fix: 'Record prompt + generated - 1 rows, without padding; a row that is too many is cut with moeprof trace convert FILE --tokens A..B.',
          rows: firstGap < 0 ? null : { count: gaps, first: firstGap },
        };
      },
    };
  },
};

function equal(experts: Uint16Array, at: number, row: Uint16Array): boolean {
  for (let i = 0; i < row.length; i++) if (experts[at + i] !== row[i]) return false;
  return true;
}

function noted(notes: Readonly<Record<string, string>>, keys: readonly string[]): number | null {
  const key = keys.find((name) => /^\d{1,9}$/.test(notes[name] ?? ''));
  return key === undefined ? null : Number(notes[key]);
}

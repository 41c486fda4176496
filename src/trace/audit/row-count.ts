// p prompt and g generated tokens give p + g - 1 rows: the last token has no forward pass.
import { ownValue } from '../../base/objects.js';
import { capital } from '../../base/text.js';
import { formatCounted } from '../../base/units.js';
import { cutText } from '../cut.js';
import type { RoutingTrace, TraceChunk } from '../trace.js';
import { isEmpty } from './cached-prefix.js';
import type { AuditCheck } from './check.js';

/** Metadata keys for lengths of a single request, in tokens. */
const PROMPT = ['prompt_length', 'prompt_len', 'num_prompt_tokens'];
const GENERATED = ['generated_tokens', 'completion_tokens', 'num_generated_tokens', 'new_tokens'];

/** Finds surplus and missing rows. */
export const rowCount: AuditCheck = {
  code: 'row-count',
  summary: 'rows that are off by one, or missing (prompt + generated - 1)',
  start({ trace, tokens }) {
    const seen = rowsSeen(trace);
    return {
      rows: seen.take,
      finish() {
        const found = [...seen.faults(), ...(tokens === trace.tokens ? lengthFaults(trace) : [])];
        const silent = noted(trace.meta.notes, ['answers_without_routing']);
        if (found.length === 0 && silent !== null) {
          const what = `${formatCounted(silent, 'answer')} of a server came without routed experts, and none of that is in the trace.`;
          return { level: 'note', what, effect: 'None on the others.', fix: 'Nothing to mend where requests were aborted.' };
        }
        const cut = cutText(trace);
        if (found.length === 0 && cut !== null) {
          return {
            what: `The recording ${cut}`,
            effect: 'None on the rows before the last.',
            fix: 'End the engine, not its process, or copy the file again.',
          };
        }
        if (found.length === 0) return null;
        return {
          what: `${capital(found.join('; '))}.`,
          effect:
            'Rows do not belong to the tokens that they are taken for: reuse across the gap or the extra row is made up, and predictors that use ' +
            'token ids learn from the wrong token.',
          fix: 'Record prompt + generated - 1 rows, without padding; a row that is too many is cut with moeprof trace convert FILE --tokens A..B.',
          rows: seen.gaps(),
        };
      },
    };
  },
};

function rowsSeen({ layers, requests, topK }: RoutingTrace) {
  const width = layers * topK;
  const before = new Uint16Array(width);
  /** Gaps, positions missing in gaps, row of the first gap; -1: no gap. */
  let [gaps, missing, firstGap] = [0, 0, -1];
  /** Requests with a known last row; last rows empty, or equal to the row before. */
  let [ended, emptyLast, copiedLast] = [0, 0, 0];
  let late = 0;
  let [current, last] = [-1, -1];
  return {
    take(chunk: TraceChunk, start: number): void {
      for (let row = 0; row < chunk.tokens; row++) {
        const index = chunk.request[row]!;
        const request = requests[index]!;
        const position = chunk.position[row]!;
        if (index !== current) {
          current = index;
          if (position === 1 && request.prefill > 0) late++;
        } else if (position !== last + 1) {
          gaps++;
          missing += position - last - 1;
          if (firstGap < 0) firstGap = start + row;
        }
        last = position;
        const left = request.start + request.prefill + request.decode - 1 - (start + row);
        if (left > 1) continue;
        const ids = chunk.experts.subarray(row * width, (row + 1) * width);
        if (left === 1) before.set(ids);
        else if (start + row > request.start) {
          ended++;
          if (isEmpty(ids, 0, width)) emptyLast++;
          else if (ids.every((id, i) => id === before[i])) copiedLast++;
        }
      }
    },
    /** Count, and row after the first gap; null: no gap. */
    gaps: () => (firstGap < 0 ? null : { count: gaps, first: firstGap }),
    /** Few repeated last rows may be chance. */
    faults(): string[] {
      const requestsIn = (count: number): string => formatCounted(count, 'request');
      return [
        ...(emptyLast * 2 > ended ? [`the last row of ${requestsIn(emptyLast)} chooses nothing`] : []),
        ...(copiedLast * 2 > ended ? [`the last row of ${requestsIn(copiedLast)} repeats the one before it`] : []),
        ...(late > 0 ? [`${requestsIn(late)} ${late === 1 ? 'begins' : 'begin'} at position 1, the first token is left out`] : []),
        ...(gaps > 0
          ? [
              `${formatCounted(missing, 'position')} ${missing === 1 ? 'is' : 'are'} missing in ${formatCounted(gaps, 'gap')}, the first before row ${firstGap}`,
            ]
          : []),
      ];
    },
  };
}

/** Differences from the metadata lengths of a single request. */
function lengthFaults({ meta, requests, tokens }: RoutingTrace): string[] {
  const [prompt, generated] = [noted(meta.notes, PROMPT), noted(meta.notes, GENERATED)];
  if (prompt === null || generated === null || requests.length !== 1 || tokens === prompt + generated - 1) return [];
  return [`the file speaks of ${prompt} prompt and ${generated} generated tokens, so ${prompt + generated - 1} rows, and has ${tokens}`];
}

function noted(notes: Readonly<Record<string, string>>, keys: readonly string[]): number | null {
  const key = keys.find((name) => /^\d{1,9}$/.test(ownValue(notes, name) ?? ''));
  return key === undefined ? null : Number(ownValue(notes, key));
}

// Engines record prompt positions from a prefix cache as -1 at every layer.
import { formatCounted } from '../../base/units.js';
import { NULL_EXPERT, type TraceChunk } from '../trace.js';
import { type AuditCheck, percentOf } from './check.js';

/** Finds rows without choices at the start of a request. */
export const cachedPrefix: AuditCheck = {
  code: 'cached-prefix',
  summary: 'prompt rows that came from a prefix cache (-1 at every layer)',
  start({ tokens, trace }) {
    const width = trace.layers * trace.topK;
    let [total, requests, first, request] = [0, 0, -1, -1];
    let leading = false;
    return {
      rows(chunk: TraceChunk, start: number): void {
        for (let row = 0; row < chunk.tokens; row++) {
          const opens = chunk.request[row] !== request;
          if (opens) {
            request = chunk.request[row]!;
            leading = true;
          }
          if (!leading) continue;
          leading = isEmpty(chunk.experts, row * width, width);
          if (!leading) continue;
          if (opens) requests++;
          if (first < 0) first = start + row;
          total++;
        }
      },
      finish() {
        if (total === 0) return null;
        return {
          what:
            `${formatCounted(total, 'row')} (${percentOf(total, tokens)}) at the start of ${formatCounted(requests, 'request')}, the first at row ${first}, choose ` +
            'nothing at any layer: prompts that came from a prefix cache.',
          effect: 'Those tokens cost no expert at all, so transfers, latency of the first token and bytes per token come out too low.',
          fix: 'Record with prefix caching off, or with prompts that share no prefix; what was not routed cannot be put back.',
          rows: { count: total, first },
        };
      },
    };
  },
};

/** True if `width` cells from `at` are null. */
export function isEmpty(experts: Uint16Array, at: number, width: number): boolean {
  for (let i = at; i < at + width; i++) if (experts[i] !== NULL_EXPERT) return false;
  return true;
}

// llama.cpp's `ffn_moe_topk` read as if it were packed; readers of llama.cpp logs refuse such files, but a file may have been converted.
import { formatCounted } from '../../base/units.js';
import { hasStridedView } from '../strided-view.js';
import type { AuditCheck } from './check.js';

/** Prompts whose rows are ranks of their first token. */
export const stridedView: AuditCheck = {
  code: 'strided-view',
  summary: 'prompt rows that are ranks of one token (strided ffn_moe_topk of llama.cpp)',
  start({ trace }) {
    return {
      finish() {
        if (!hasStridedView(trace)) return null;
        const prompts = trace.requests.filter(({ prefill }) => prefill > 0);
        return {
          level: 'warning',
          what:
            `The prompt rows of ${formatCounted(prompts.length, 'request')} are permutations of all experts, experts / top-k rows at a time: ranks of one ` +
            'token, read from the strided view ffn_moe_topk as if it were packed.',
          effect:
            'Neighbouring prompt rows never share an expert: prompts seem to touch every expert, and their reuse comes out as nothing.',
          fix: 'Record again with a logger that honours the stride nb[1]; decode rows are right, prompt rows cannot be mended.',
          rows: { count: prompts.reduce((sum, { prefill }) => sum + prefill, 0), first: prompts[0]!.start },
        };
      },
    };
  },
};

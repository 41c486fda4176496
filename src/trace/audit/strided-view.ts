// Bug of llama.cpp loggers: `ffn_moe_topk` is a strided view; read as packed, token 1 gets ranks k..2k-1 of token 0.
// Each experts / top-k rows then form a permutation of all experts.
import { formatCounted } from '../../base/units.js';
import { allocateChunk, type RoutingTrace } from '../trace.js';
import type { AuditCheck } from './check.js';

/** Maximum prompts examined. */
const PROMPTS = 64;

/** True if nearly all prompts show the pattern at nearly all layers. */
export function hasStridedView(trace: RoutingTrace): boolean {
  const { layers, topK, expertsPerLayer } = trace;
  const block = Math.max(...expertsPerLayer) / topK;
  if (!Number.isInteger(block) || block < 2) return false;
  const chunk = allocateChunk(trace, block);
  let [groups, permutations] = [0, 0];
  for (const { start, prefill } of trace.requests.filter((request) => request.prefill >= block).slice(0, PROMPTS)) {
    trace.read(start, Math.min(block, prefill), chunk);
    for (let layer = 0; layer < layers; layer++) {
      const experts = expertsPerLayer[layer]!;
      const ids = new Set<number>();
      for (let row = 0; row < block; row++) {
        for (let k = 0; k < topK; k++) ids.add(chunk.experts[(row * layers + layer) * topK + k]!);
      }
      groups++;
      // A null is an extra id, so a ragged layer is no permutation.
      if (ids.size === experts && Math.max(...ids) === experts - 1) permutations++;
    }
  }
  return groups > 0 && permutations >= 0.9 * groups;
}

/** Finds prompts whose rows are ranks of the first token. */
export const stridedView: AuditCheck = {
  code: 'strided-view',
  summary: 'prompt rows that are ranks of one token (strided ffn_moe_topk of llama.cpp)',
  start: ({ trace }) => ({
    finish() {
      if (!hasStridedView(trace)) return null;
      const prompts = trace.requests.filter(({ prefill }) => prefill > 0);
      return {
        what:
          `The prompt rows of ${formatCounted(prompts.length, 'request')} are permutations of all experts, experts / top-k rows at a time: ranks of one ` +
          'token, read from the strided view ffn_moe_topk as if it were packed.',
        effect: 'Neighbouring prompt rows never share an expert: prompts seem to touch every expert, and their reuse comes out as nothing.',
        fix: 'Record again with a logger that honours the stride nb[1]; decode rows are right, prompt rows cannot be mended.',
        rows: { count: prompts.reduce((sum, { prefill }) => sum + prefill, 0), first: prompts[0]!.start },
      };
    },
  }),
};

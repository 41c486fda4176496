// A known mistake of llama.cpp loggers: `ffn_moe_topk` is a strided view of the full argsort, and reading it as a packed array gives token 1
// the ranks k..2k-1 of token 0, and so on. Then each group of experts / top-k rows from the start of a prompt is a permutation of all
// experts, which real routing almost never is.
import { allocateChunk, type RoutingTrace } from './trace.js';

/** Maximum number of prompts examined. */
const PROMPTS = 64;

/** True if nearly all prompts of a trace show this pattern at nearly all layers. */
export function hasStridedView(trace: RoutingTrace): boolean {
  const { layers, topK, expertsPerLayer } = trace;
  const block = Math.max(...expertsPerLayer) / topK;
  if (!Number.isInteger(block) || block < 2) return false;
  const chunk = allocateChunk(trace, block);
  let groups = 0;
  let permutations = 0;
  for (const { start, prefill } of trace.requests.filter((request) => request.prefill >= block).slice(0, PROMPTS)) {
    trace.read(start, Math.min(block, prefill), chunk);
    for (let layer = 0; layer < layers; layer++) {
      const experts = expertsPerLayer[layer]!;
      const ids = new Set<number>();
      for (let row = 0; row < block; row++) {
        for (let k = 0; k < topK; k++) ids.add(chunk.experts[(row * layers + layer) * topK + k]!);
      }
      groups++;
      // Null choices count as one id more, so a ragged layer is no permutation.
      if (ids.size === experts && Math.max(...ids) === experts - 1) permutations++;
    }
  }
  return groups > 0 && permutations >= 0.9 * groups;
}

import { type GraphNode, inPlace, OFFLOAD_TOKENS, op, part, product, view } from './node.js';
import type { Scene } from './scene.js';

/** A norm with scales: one operation in ik_llama.cpp, two in llama.cpp. */
export function norm(scene: Scene, of: GraphNode, shape: readonly number[], scales: GraphNode, layer: number | null): GraphNode {
  if (scene.plan.rules.fuses) return op(shape, [of, scales]);
  const normed = inPlace(shape, [of]);
  if (layer !== null) scene.atLayer(normed, layer);
  return inPlace(shape, [normed, scales]);
}

/** A dense or shared FFN of `width`; `suffix` tells them apart. */
export function ffn(scene: Scene, of: GraphNode, layer: number, width: number, suffix = ''): GraphNode {
  const { hidden, tokens } = scene;
  const matrix = (name: string): GraphNode => scene.weight(`blk.${layer}.ffn_${name}${suffix}.weight`, layer);
  const up = product(width, tokens, matrix('up'), of);
  if (!scene.has(`blk.${layer}.ffn_gate${suffix}.weight`)) return product(hidden, tokens, matrix('down'), inPlace([width, tokens], [up]));
  const gate = product(width, tokens, matrix('gate'), of);
  return product(hidden, tokens, matrix('down'), gated(scene, gate, up, [width, tokens]));
}

function gated({ plan }: Scene, gate: GraphNode, up: GraphNode, shape: readonly number[]): GraphNode {
  return plan.rules.gatesApart ? op(shape, [gate, up]) : inPlace(shape, [inPlace(shape, [gate]), up]);
}

/** Routed experts of a layer. */
export function routedExperts(scene: Scene, of: GraphNode, layer: number): GraphNode {
  const { hidden, tokens } = scene;
  const { chosen, weights } = route(scene, of, layer);
  if (scene.plan.rules.graphOf2026) scene.graph.expand(weights);
  const { topK, width } = scene.routed;
  const by = view(of, [hidden, 1, tokens]);
  const matrix = (name: string): GraphNode => scene.weight(`blk.${layer}.ffn_${name}_exps.weight`, layer);
  const byPass = !scene.plan.rules.offloadsByExpert;
  const each = [width, topK, tokens];
  const bias = (name: string, to: GraphNode, shape: readonly number[]): GraphNode => {
    const full = `blk.${layer}.ffn_${name}_exps.bias`;
    if (!scene.has(full)) return to;
    // ik_llama.cpp counts the second dimension of the operation, llama.cpp all rows.
    return op(shape, [to, scene.weight(full, layer), chosen], { inPlace: true, offload: byPass && tokens * topK >= OFFLOAD_TOKENS });
  };
  let inner: GraphNode;
  if (!scene.has(`blk.${layer}.ffn_gate_exps.weight`)) {
    inner = inPlace(each, [bias('up', scene.byExpert(each, matrix('up'), [by, chosen]), each)]);
  } else if (scene.plan.fusedMoe === true && scene.plan.rules.fuses) {
    inner = scene.byExpert(each, matrix('up'), [matrix('gate'), by, chosen]);
  } else {
    const up = bias('up', scene.byExpert(each, matrix('up'), [by, chosen]), each);
    const gate = bias('gate', scene.byExpert(each, matrix('gate'), [by, chosen]), each);
    inner = gated(scene, gate, up, each);
  }
  const shape = [hidden, topK, tokens];
  const down = bias('down', scene.byExpert(shape, matrix('down'), [inner, chosen]), shape);
  return expertSum(scene, inPlace(shape, [down, weights]), topK);
}

/** Most experts per token in CUDA's fused weighted sum (MOE_WEIGHTED_REDUCTION_MAX_EXPERTS). */
const MOST_FUSED = 15;

function route(scene: Scene, of: GraphNode, layer: number): { chosen: GraphNode; weights: GraphNode } {
  const { tokens } = scene;
  const { count, topK } = scene.routed;
  const logits = product(count, tokens, scene.weight(`blk.${layer}.ffn_gate_inp.weight`, layer), of);
  const probabilities = inPlace([count, tokens], [logits]);
  const biasName = `blk.${layer}.exp_probs_b.bias`;
  const selection = scene.has(biasName) ? inPlace([count, tokens], [probabilities, scene.weight(biasName, layer)]) : probabilities;
  const sorted = op([count, tokens], [selection]);
  const chosen = part(sorted, [topK, tokens]);
  const weights = op([1, topK, tokens], [view(probabilities, [1, count, tokens]), chosen]);
  const flat = view(weights, [topK, tokens]);
  const sum = op([1, tokens], [flat]);
  const share = inPlace([topK, tokens], [flat, sum]);
  // Expert counts with fused CUDA routing (`ggml_cuda_should_use_topk_moe`).
  const isFusedCount = (count <= 512 && Number.isInteger(Math.log2(count))) || count === 288 || count === 576;
  // A softmax over the chosen experts alone (gpt-oss, with expert biases) holds no memory.
  const fused = scene.plan.rules.graphOf2026 && isFusedCount && !scene.has(`blk.${layer}.ffn_up_exps.bias`);
  if (fused) scene.graph.fusions.push({ nodes: [probabilities, selection, sorted, weights, sum, share], until: share });
  return { chosen, weights: view(share, [1, topK, tokens]) };
}

/** Sum over a token's experts: one operation in ik_llama.cpp, a chain in llama.cpp. */
function expertSum({ graph, hidden, plan, tokens }: Scene, all: GraphNode, topK: number): GraphNode {
  const partNode = (): GraphNode => part(all, [hidden, tokens]);
  if (topK === 1) return op([hidden, tokens], [partNode()]);
  if (plan.rules.fuses && topK > 2) return op([hidden, tokens], [partNode()]);
  let sum = partNode();
  for (let expert = 1; expert < topK; expert++) sum = inPlace([hidden, tokens], [sum, partNode()]);
  if (plan.rules.graphOf2026 && topK <= MOST_FUSED) graph.fusions.push({ nodes: [all], until: sum });
  return sum;
}

/** Rows of the tokens with logits. */
export const rowsOf = (of: GraphNode, shape: readonly number[], ids: GraphNode): GraphNode => op(shape, [of, ids]);

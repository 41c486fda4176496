// The scratch buffer of each device. The engines build the graph of a full ubatch over a full context once, and allocate what is alive at
// its worst moment: the logits, attention, or an expert layer, over what is alive throughout.
import type { Anatomy, ContextMemory } from '../../model/anatomy.js';
import type { ModelSpec } from '../../model/spec.js';
import { cellsOf } from './kv.js';
import type { DeviceName, LoadPlan } from './load-plan.js';
import type { Placement } from './placement.js';

const F32 = 4;
const F16 = 2;

/** What a graph is made of. */
interface Graph {
  readonly model: ModelSpec;
  readonly anatomy: Anatomy;
  readonly plan: LoadPlan;
  readonly placement: Placement;
  /** Tokens of a forward pass, and cells that they attend to. */
  readonly tokens: number;
  readonly cells: number;
}

/** Bytes of the compute buffer of a device. */
export function computeBytesOf(device: DeviceName, model: ModelSpec, anatomy: Anatomy, plan: LoadPlan, placement: Placement): number {
  const graph: Graph = { model, anatomy, plan, placement, tokens: Math.min(plan.ubatch, plan.batch), cells: cellsOf(plan.context) };
  const runs = placement.layers.includes(device) || placement.output === device;
  if (device === 'cpu' && !runs) return hostBytes(graph);
  if (!runs) return 0;
  const copies = device === 'cpu' ? 1 : (plan.pipelineCopies ?? 1);
  const inputs = copies * maskBytes(graph);
  const worst = Math.max(logitsBytes(device, graph), inputs + Math.max(attentionBytes(device, graph), expertBytes(device, graph)));
  return worst + stagedBytes(device, graph);
}

/** The mask of attention, f32, and its copy in f16 for flash attention. */
function maskBytes({ cells, plan, tokens }: Graph): number {
  return cells * tokens * (F32 + (plan.flashAttention ? F16 : 0));
}

/** Inputs in host memory where all layers run on GPUs: the mask and the embeddings of the tokens. */
function hostBytes({ cells, model, plan, tokens }: Graph): number {
  return tokens * ((plan.pipelineCopies ?? 1) * cells + model.hidden) * F32;
}

/** Logits of every token, and what they are computed from. */
function logitsBytes(device: DeviceName, { anatomy, model, placement, plan, tokens }: Graph): number {
  if (placement.output !== device) return 0;
  const states = plan.engine === 'ik_llama.cpp' && device !== 'cpu' ? 2 : 1;
  return tokens * (anatomy.vocab + states * model.hidden) * F32;
}

/** Attention of the layer that needs most. */
function attentionBytes(device: DeviceName, graph: Graph): number {
  const { anatomy, placement } = graph;
  return anatomy.layers.reduce(
    (most, layer, index) => (placement.layers[index] === device ? Math.max(most, attentionOf(layer, graph)) : most),
    0,
  );
}

function attentionOf(layer: ContextMemory, { cells, model, plan, tokens }: Graph): number {
  const states = 2 * tokens * model.hidden * F32;
  switch (layer.kind) {
    case 'heads': {
      const queries = 2 * tokens * layer.heads * layer.keyDim * F32;
      return states + queries + (plan.flashAttention ? 0 : cells * tokens * layer.heads * F32);
    }
    case 'latent': {
      const { heads, nope, rope, value } = layer;
      const limit = plan.attnMaxBatch ?? Number.POSITIVE_INFINITY;
      const queries = tokens * heads * (nope + rope + value) * F32;
      if (plan.engine === 'llama.cpp' || plan.mla === 1) {
        const scores = plan.flashAttention && plan.engine === 'llama.cpp' ? 0 : cells * tokens * heads * F32;
        return states + queries + Math.min(limit, scores);
      }
      if (!plan.flashAttention) return states + queries + Math.min(limit, cells * tokens * heads * F32);
      return states + queries + cells * heads * (nope + rope + value) * F16 + Math.min(limit, cells * heads * (nope + value) * F32);
    }
    case 'state':
      return states;
  }
}

/** The expert layer: what the chosen experts of every token give, and what they have inside. */
function expertBytes(device: DeviceName, { anatomy, model, placement, tokens }: Graph): number {
  const here = anatomy.tensors.some(({ name }, index) => placement.tensors[index] === device && name.includes('_exps.'));
  if (!here) return 0;
  const topK = Math.max(...model.layers.map((layer) => layer.topK));
  return tokens * (topK * (model.hidden + anatomy.expertWidth) + 2 * model.hidden) * F32;
}

/** Experts of host layers that are copied to a GPU for long prompts: one projection of one layer at a time. */
function stagedBytes(device: DeviceName, { anatomy, placement, plan }: Graph): number {
  if (device === 'cpu' || plan.repack === true || device !== 'gpu0') return 0;
  return anatomy.tensors.reduce(
    (most, { name, bytes }, index) => (placement.tensors[index] === 'cpu' && name.includes('_exps.') ? Math.max(most, bytes) : most),
    0,
  );
}

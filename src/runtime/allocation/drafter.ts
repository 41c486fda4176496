// Memory for multi-token prediction (MTP) drafts under llama.cpp and ik_llama.cpp: weights, KV cache, compute buffer.

import { UserError } from '../../base/errors.js';
import { remembered } from '../../base/objects.js';
import { type Anatomy, decoderLayerOf, type ModelSpec } from '../../model/door.js';
import { type Allocation, allocate, type DeviceAllocation } from './allocate.js';
import type { LoadPlan } from './graph/load-plan.js';

const drafters = new WeakMap<Anatomy, ModelSpec>();

/** The MTP layer as a model: like the last layer, after a matrix over embedding and hidden state (`nextn.eh_proj`). */
function drafterOf(model: ModelSpec, anatomy: Anatomy): ModelSpec {
  return remembered(drafters, anatomy, () => {
    const moe = model.layers.at(-1)!;
    const layer = decoderLayerOf(model, moe.index);
    const tensors = anatomy.tensors
      .filter((tensor) => tensor.layer === layer || tensor.layer === null)
      .map((tensor) => (tensor.layer === null ? tensor : { ...tensor, layer: 0, name: tensor.name.replace(/^blk\.\d+/, 'blk.0') }));
    return {
      ...model,
      layers: [{ ...moe, index: 0, offset: 0 }],
      dense: { ...model.dense, segments: [model.dense.segments[moe.index]!, model.dense.segments.at(-1)!] },
      anatomy: { ...anatomy, layers: [anatomy.layers[layer]!], nextLayers: 0, tensors },
    };
  });
}

/** Memory of drafting by device, without the model's. @throws UserError if the model's tensors are unknown */
export function allocateDrafter(model: ModelSpec, plan: LoadPlan): Allocation {
  const { anatomy } = model;
  if (anatomy === undefined) throw new UserError(`model ${model.name}: nothing says which tensors its file has; draft nothing`);
  const drafter = drafterOf(model, anatomy);
  const expertsInHost = (plan.cpuMoeLayers ?? 0) >= anatomy.layers.length;
  const onGpu = plan.gpus > 0 && plan.gpuLayers > 0;
  const { overrides: _, tensorSplit: __, ...settings } = plan;
  const alone = { gpus: Math.min(plan.gpus, 1), gpuLayers: onGpu ? 2 : 0, cpuMoeLayers: expertsInHost ? 1 : 0, pipelineCopies: 1 };
  const devices = allocate(drafter, { ...settings, ...alone }).devices;
  const weights = weightsOf(drafter, expertsInHost || !onGpu);
  const [gpuWeights, hostWeights] = onGpu ? [weights.others, weights.experts] : [0, weights.others + weights.experts];
  const gpus = Array.from({ length: plan.gpus }, (_, gpu): DeviceAllocation => {
    const name = `gpu${gpu}` as const;
    return gpu === plan.gpus - 1 ? { ...devices[0]!, name, weights: gpuWeights } : { name, weights: 0, kv: 0, compute: 0, output: 0 };
  });
  return { devices: [...gpus, { ...devices.at(-1)!, weights: hostWeights }] };
}

/** Bytes of the layer's experts, if apart, and of the rest, without the model's table and head. */
function weightsOf({ anatomy, hidden, layers }: ModelSpec, expertsApart: boolean): { readonly experts: number; readonly others: number } {
  const [layer] = layers as [ModelSpec['layers'][number]];
  // Joining matrix, at the experts' bits per weight: two hidden widths in, one out.
  let others = (2 * hidden ** 2 * layer.expertBytes) / (layer.flopsPerToken / 2);
  let experts = 0;
  for (const { bytes, layer: tensorLayer, name } of anatomy!.tensors) {
    if (tensorLayer === null) continue;
    if (expertsApart && /_exps\./.test(name)) experts += bytes;
    else others += bytes;
  }
  return { experts, others };
}

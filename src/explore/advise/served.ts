// Memory of a setting under servers written in Python (SGLang, vLLM, KTransformers): weights and KV cache, and a share of each GPU that they
// leave for activations and graphs.
import type { HardwareSpec } from '../../hardware/spec.js';
import { parseKvFormat, withKvFormat } from '../../model/kv-format.js';
import { expertBytesTotal, type ModelSpec } from '../../model/spec.js';
import { type DeviceMemory, HOST } from './fits.js';
import type { Setting } from './setting.js';

/** Share of a GPU that SGLang is told to leave for activations and graphs, also below KTransformers. */
export const SGLANG_LEAVES = 0.12;
/** Share of a GPU that vLLM leaves by default. */
export const VLLM_LEAVES = 0.1;

/**
 * Memory of a setting by device. GPUs share every tensor, so they are all alike and count as one.
 * @param activations share of a GPU that is left
 */
export function servedMemory(activations: number, model: ModelSpec, setting: Setting, hardware: HardwareSpec): DeviceMemory[] {
  const [first, dram] = hardware.tiers;
  const gpus = hardware.gpus?.count ?? 1;
  const { context, gpuExperts, kv, users } = setting;
  const cache = withKvFormat(model, parseKvFormat(kv)).dense.segments.flatMap(({ attention }) => attention);
  const experts = model.layers.reduce((sum, layer) => sum + Math.min(gpuExperts ?? layer.experts, layer.experts) * layer.expertBytes, 0);
  // Of cards that differ, each holds what the smallest can.
  const has = gpus * Math.min(first!.bytes, ...(hardware.gpus?.others?.map(({ bytes }) => bytes) ?? []));
  const device = {
    name: first!.name === 'unified' ? 'memory' : gpus === 1 ? 'GPU' : `${gpus} GPUs`,
    has,
    weights: model.dense.weightBytes + experts,
    kv: users * cache.reduce((sum, { kvBytesPerToken, window }) => sum + kvBytesPerToken * Math.min(context, window ?? context), 0),
    compute: has * activations,
  };
  if (dram === undefined) return [device];
  return [device, { name: HOST, has: dram.bytes, weights: expertBytesTotal(model) - experts, kv: 0, compute: 0 }];
}

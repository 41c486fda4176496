import { type HardwareSpec, leastGpuRoom } from '../../hardware/door.js';
import { type AttentionSpec, expertBytesTotal, type ModelSpec, parseKvFormat, withKvFormat } from '../../model/door.js';
import { HOST } from '../setting/fits.js';
import type { Setting } from '../setting/setting.js';
import type { Loaded } from './loaded.js';

/** Memory under Python servers; GPUs count as one. @param activations free share of a GPU */
export function servedMemory(activations: number, model: ModelSpec, setting: Setting, hardware: HardwareSpec): Loaded {
  const [first, dram] = hardware.tiers;
  const gpus = hardware.gpus?.count ?? 1;
  const { context, draft, gpuExperts, kv, slots, users } = setting;
  const cache = withKvFormat(model, parseKvFormat(kv)).dense.segments.flatMap(({ attention }) => attention);
  const drafter = draft === 0 || setting.drafter === 'ngram' ? { weights: 0, kvBytesPerToken: 0 } : drafterOf(model, cache);
  // Prompts run layer by layer, each brought whole.
  const brought = setting.followsPrompts ? Math.max(...model.layers.map((layer) => layer.experts * layer.expertBytes)) : 0;
  const experts = model.layers
    .slice(slots === null ? setting.cpuMoe : 0)
    .reduce((sum, layer) => sum + Math.min(slots ?? gpuExperts ?? layer.experts, layer.experts) * layer.expertBytes, 0);
  // If cards differ, each holds as much as the smallest.
  const has = gpus * leastGpuRoom(hardware);
  const device = {
    name: first!.name === 'unified' ? 'memory' : gpus === 1 ? 'GPU' : `${gpus} GPUs`,
    has,
    weights: model.dense.weightBytes + experts + drafter.weights,
    kv:
      users *
      (context * drafter.kvBytesPerToken +
        cache.reduce((sum, { kvBytesPerToken, window }) => sum + kvBytesPerToken * Math.min(context, window ?? context), 0)),
    compute: has * activations + brought,
  };
  const rest = { weights: expertBytesTotal(model) - (slots === null ? experts : 0), kv: 0, compute: 0 };
  return { devices: dram === undefined ? [device] : [device, { name: HOST, has: dram.bytes, ...rest }], split: null };
}

/** A multi-token prediction layer: like the last MoE layer, with the model's table and head. */
function drafterOf(
  { dense, layers }: ModelSpec,
  cache: readonly AttentionSpec[],
): { readonly weights: number; readonly kvBytesPerToken: number } {
  const last = layers.at(-1)!;
  return {
    weights: last.experts * last.expertBytes + dense.segments[last.index]!.weightBytes,
    kvBytesPerToken: cache.at(-1)!.kvBytesPerToken,
  };
}

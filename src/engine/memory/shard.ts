import type { ModelSpec } from '../../model/door.js';
import { EVERYWHERE } from '../../system/door.js';

/** Shard id of experts absent from the GPU. */
export const NOT_HERE = -1;

/** One GPU's experts as a separate model, for caches, policies, plans and bounds. */
export interface Shard {
  readonly gpu: number;
  readonly model: ModelSpec;
  /** By shard id: dense id in the whole model. */
  readonly whole: Int32Array;
  /** By whole-model id: shard id, {@link NOT_HERE} on a different GPU. */
  readonly own: Int32Array;
  /** By layer: shard ids of experts on every GPU. */
  readonly replicas: readonly Int32Array[];
}

/** Splits a model over GPUs. @param homes by dense id: GPU, or EVERYWHERE */
export function shardsOf(model: ModelSpec, homes: Int32Array, gpus: number): Shard[] {
  return Array.from({ length: gpus }, (_, gpu) => {
    const idOf = new Int32Array(model.experts).fill(NOT_HERE);
    const whole: number[] = [];
    const replicas: Int32Array[] = [];
    const layers = model.layers.map((layer) => {
      const offset = whole.length;
      for (let id = layer.offset; id < layer.offset + layer.experts; id++) {
        if (homes[id] !== gpu && homes[id] !== EVERYWHERE) continue;
        idOf[id] = whole.length;
        whole.push(id);
      }
      const experts = whole.length - offset;
      replicas.push(Int32Array.from({ length: experts }, (_, i) => offset + i).filter((id) => homes[whole[id]!] === EVERYWHERE));
      return { ...layer, experts, topK: Math.min(layer.topK, experts), offset };
    });
    return { gpu, model: { ...model, layers, experts: whole.length }, whole: Int32Array.from(whole), own: idOf, replicas };
  });
}

/** Values by whole-model ids, reordered by shard ids. */
export const gatherShard = (values: Float64Array, { whole }: Shard): Float64Array => Float64Array.from(whole, (id) => values[id]!);

/** Copies a layer's whole-model values into a shard's array. */
export function copyLayer({ model, whole }: Shard, layer: number, from: Float32Array, to: Float32Array): void {
  const { experts, offset } = model.layers[layer]!;
  for (let id = offset; id < offset + experts; id++) to[id] = from[whole[id]!]!;
}

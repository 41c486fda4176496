import type { ModelSpec } from '../../model/door.js';
import { EVERYWHERE } from '../../system/door.js';

/** No expert of this GPU. */
export const NOT_HERE = -1;

/** The experts of one GPU of several as a model of their own, for its caches, policies, plans and bounds. */
export interface Shard {
  readonly gpu: number;
  /** The model with these experts only; dense ids are the shard's own. */
  readonly model: ModelSpec;
  /** Dense id in the whole model of each of the shard's experts. */
  readonly whole: Int32Array;
  /** The shard's id of each expert of the whole model, {@link NOT_HERE} if it lives on another. */
  readonly own: Int32Array;
  /** By layer: the shard's ids of the experts that live everywhere. */
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

/** Values by the whole model's ids, as one shard sees them by its own. */
export const gatherShard = (values: Float64Array, { whole }: Shard): Float64Array => Float64Array.from(whole, (id) => values[id]!);

/** Copies one layer's values of the whole model into a shard's array. */
export function copyLayer({ model, whole }: Shard, layer: number, from: Float32Array, to: Float32Array): void {
  const { experts, offset } = model.layers[layer]!;
  for (let id = offset; id < offset + experts; id++) to[id] = from[whole[id]!]!;
}

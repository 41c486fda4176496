// Bytes of the KV cache by decoder layer: entries of a context in the types of the cache, with the engines' variants of latent attention and windows.

import { UserError } from '../../../base/errors.js';
import { type ContextMemory, kernelFormat } from '../../../model/door.js';
import type { LoadPlan } from './load-plan.js';

/** Cells of a cache are allocated in steps of this size (`GGML_PAD(n_ctx, 256)`). */
const CELLS = 256;

/** Values of latent attention that are kept transposed next to the keys (-mla 1) are f16, whatever the type of the cache. */
const F16 = 2;

const padded = (cells: number): number => Math.ceil(cells / CELLS) * CELLS;

/** Parts of a cache: one for each sequence, or one for all. */
export function cacheStreams({ parallel, rules, unified }: LoadPlan): number {
  return rules.streams && unified !== true ? parallel : 1;
}

/** Cells of the whole context, of all streams together. */
export function cellsOf(plan: LoadPlan): number {
  const streams = cacheStreams(plan);
  return streams * padded(plan.context / streams);
}

/** Bytes of one value in a cache of this type, scales included. @throws UserError if there is no such type */
export function valueBytes(type: string): number {
  const format = kernelFormat(type);
  if (format === undefined) throw new UserError(`KV cache type "${type}": is not known; write f16, bf16, q8_0, q5_1, q4_0 or f32`);
  return format.bits / 8;
}

/** Bytes that a layer keeps for its context or window. @throws UserError for an unknown type of a cache, or size of the layer's state */
export function kvBytesOf(memory: ContextMemory, plan: LoadPlan): number {
  const { k, v } = plan.kv;
  switch (memory.kind) {
    case 'heads': {
      const perCell = memory.kvHeads * (memory.keyDim * valueBytes(k) + memory.valueDim * valueBytes(v));
      return cellsIn(memory.window, plan) * perCell;
    }
    case 'none':
      return 0;
    case 'latent':
      return cellsOf(plan) * latentBytes(memory, plan);
    case 'state':
      if (memory.bytes === null)
        throw new UserError('a layer with a state: nothing says how large it is; add attention.otherwise.stateBytes');
      return memory.bytes * plan.parallel;
  }
}

/** Cells of a layer: those of the context, or of a window for each sequence and one ubatch of each stream. */
export function cellsIn(window: number | null, plan: LoadPlan): number {
  const all = cellsOf(plan);
  if (window === null || !plan.rules.keepsWindows) return all;
  const streams = cacheStreams(plan);
  return Math.min(all, streams * padded((window * plan.parallel) / streams + plan.ubatch));
}

/** Bytes of one token: the latent and its rotary part, with the values that some variants keep, or whole keys and values. */
function latentBytes({ heads, latent, nope, rope, value }: ContextMemory & { kind: 'latent' }, { kv, mla, rules }: LoadPlan): number {
  const key = valueBytes(kv.k);
  const absorbed = (latent + rope) * key;
  if (!rules.latentVariants) return absorbed + (rules.keepsLatentValues ? latent * valueBytes(kv.v) : 0);
  if (mla === 0) return heads * ((nope + rope) * key + value * valueBytes(kv.v));
  return mla === 1 ? absorbed + latent * F16 : absorbed;
}

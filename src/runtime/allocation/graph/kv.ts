import { UserError } from '../../../base/errors.js';
import { type ContextMemory, kernelFormat } from '../../../model/door.js';
import type { LoadPlan } from './load-plan.js';

/** Allocation step of cache cells (`GGML_PAD(n_ctx, 256)`). */
const CELLS = 256;

/** Bytes of a transposed latent value next to the keys (-mla 1): f16 for every cache type. */
const F16 = 2;

const padded = (cells: number): number => Math.ceil(cells / CELLS) * CELLS;

/** Parts of a cache: one per sequence, or one for all. */
export function cacheStreams({ parallel, rules, unified }: LoadPlan): number {
  return rules.streams && unified !== true ? parallel : 1;
}

/** Cells of the whole context, over all streams. */
export function cellsOf(plan: LoadPlan): number {
  const streams = cacheStreams(plan);
  return streams * padded(plan.context / streams);
}

/** Scales included. @throws UserError for an unknown type */
export function valueBytes(type: string): number {
  const format = kernelFormat(type);
  if (format === null) throw new UserError(`KV cache type "${type}": is not known; write f16, bf16, q8_0, q5_1, q4_0 or f32`);
  return format.bits / 8;
}

/** Bytes of a layer's context memory. @throws UserError for an unknown cache type or state size */
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

/** Cells of a layer: the context, or a window per sequence plus a ubatch per stream. */
export function cellsIn(window: number | null, plan: LoadPlan): number {
  const all = cellsOf(plan);
  if (window === null || !plan.rules.keepsWindows) return all;
  const streams = cacheStreams(plan);
  return Math.min(all, streams * padded((window * plan.parallel) / streams + plan.ubatch));
}

/** Bytes per token: latent and rotary part, in some variants with values; or whole keys and values. */
function latentBytes({ heads, latent, nope, rope, value }: ContextMemory & { kind: 'latent' }, { kv, mla, rules }: LoadPlan): number {
  const key = valueBytes(kv.k);
  const absorbed = (latent + rope) * key;
  if (!rules.latentVariants) return absorbed + (rules.keepsLatentValues ? latent * valueBytes(kv.v) : 0);
  if (mla === 0) return heads * ((nope + rope) * key + value * valueBytes(kv.v));
  return mla === 1 ? absorbed + latent * F16 : absorbed;
}

import { findProfile } from '../../base/profiles.js';
import { LruStack, upTo } from '../../cache/curves/stack-distance.js';
import { optimalQuotas, proportionalQuotas, shallowQuotas } from '../../cache/layer-quotas.js';
import type { ModelSpec } from '../../model/door.js';
import type { RunSpec } from '../../system/door.js';
import { openTrace } from '../../trace/open/open.js';
import { chunks, NULL_EXPERT, type RoutingTrace } from '../../trace/trace.js';
import type { Inputs } from '../inputs/inputs.js';
import { profiledRows } from '../inputs/profiling.js';
import type { MemoryPlan } from './plan.js';
import { NOT_HERE, type Shard } from './shard.js';

/** Ours: longer traces give similar quotas, and every run reads a profile first. */
const MOST_TOKENS = 8192;

/** By `cache.quotas`. @param shard experts of the cache; null: all @throws UserError if the trace does not fit */
export async function withQuotas(memory: MemoryPlan, inputs: Inputs, run: RunSpec, shard: Shard | null = null): Promise<MemoryPlan> {
  const { model: whole, system } = inputs;
  const model = shard?.model ?? whole;
  const { popularity, quotas, scope } = system.cache;
  if (typeof quotas !== 'string' || quotas === 'even' || scope === 'global') return memory;
  if (quotas === 'shallow') return { ...memory, quotas: shallowQuotas(model, memory.wholeBytes) };
  const file = typeof popularity === 'number' ? null : await openTrace(findProfile('traces', popularity, run.folder), { model: whole });
  try {
    const rows = file ?? (await profiledRows(inputs, popularity as number));
    const most = file === null ? rows.tokens : MOST_TOKENS;
    const { demand, hits } = profileLayers(model, rows, most, shard === null ? undefined : ownExperts(whole, shard));
    const split =
      quotas === 'optimal' ? optimalQuotas(model, hits, [memory.wholeBytes])[0]! : proportionalQuotas(model, demand, memory.wholeBytes);
    return { ...memory, quotas: split };
  } finally {
    file?.close();
  }
}

function ownExperts(whole: ModelSpec, { model, own: idOf }: Shard): (layer: number, expert: number) => number {
  return (layer, expert) => {
    const id = idOf[whole.layers[layer]!.offset + expert]!;
    return id === NOT_HERE ? NOT_HERE : id - model.layers[layer]!.offset;
  };
}

/**
 * Activations by layer and expert, and LRU hits by layer and slots (estimated below an event's size).
 * @param most tokens read @param idOf model's expert by trace expert, {@link NOT_HERE} if absent
 */
export function profileLayers(
  model: ModelSpec,
  trace: RoutingTrace,
  most: number = trace.tokens,
  idOf: (layer: number, expert: number) => number = (_layer, expert) => expert,
): { demand: Float64Array[]; hits: Float64Array[] } {
  const demand = model.layers.map(({ experts }) => new Float64Array(experts));
  // By level: smallest cache of 1..experts slots holding a member; last entry: no cache does.
  const uses = model.layers.map(({ experts }) => new Float64Array(experts + 1));
  const stacks = model.layers.map(
    ({ experts }) =>
      new LruStack(
        experts,
        Array.from({ length: experts }, (_, level) => level + 1),
      ),
  );
  const chosen = new Int32Array(trace.topK);
  for (const chunk of chunks(trace, 256, 0, Math.min(most, trace.tokens))) {
    for (let token = 0; token < chunk.tokens; token++) {
      for (const { index } of model.layers) {
        const at = (token * trace.layers + index) * trace.topK;
        let count = 0;
        for (const expert of chunk.experts.subarray(at, at + trace.topK)) {
          const id = expert === NULL_EXPERT ? NOT_HERE : idOf(index, expert);
          if (id === NOT_HERE) continue;
          demand[index]![id]! += 1;
          chosen[count++] = id;
        }
        stacks[index]!.event(chosen, count, 0, uses[index]!);
      }
    }
  }
  const hits = uses.map((counts) => Float64Array.from(counts, (_, slots) => upTo(counts, slots - 1)));
  return { demand, hits };
}

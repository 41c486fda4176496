import type { CachePolicy, PolicyContext } from './policy.js';

/** Policy of the first `cpuLayers` MoE layers; later stay. @param cpuLayers 0: every layer has a part in the cache */
export function besideHeld(context: PolicyContext, cpuLayers: number, create: (context: PolicyContext) => CachePolicy): CachePolicy {
  const { experts, layerOf, sizes } = context;
  const first = layerOf.findIndex((layer) => layer >= cpuLayers);
  if (cpuLayers === 0 || first === -1) return create(context);
  let heldBytes = 0;
  for (let id = first; id < experts; id++) heldBytes += sizes[id]!;
  const left = (bytes: number): number => Math.max(0, bytes - heldBytes);
  const inner = create({ ...context, capacityBytes: left(context.capacityBytes) });
  const moves = (id: number): boolean => id < first;
  return {
    touch: (id) => moves(id) && inner.touch(id),
    insert: (id, used) => moves(id) && inner.insert(id, used),
    remove: (id) => moves(id) && inner.remove(id),
    victim: (incoming, pins) => inner.victim(incoming, pins),
    bypasses: (id) => moves(id) && inner.bypasses?.(id) === true,
    streamed: (id) => moves(id) && inner.streamed?.(id),
    resized: (bytes) => inner.resized?.(left(bytes)),
    demanded: (layer, ...event) => layer < cpuLayers && inner.demanded?.(layer, ...event),
    *preload() {
      for (let id = first; id < experts; id++) yield id;
      yield* inner.preload?.() ?? [];
    },
  };
}

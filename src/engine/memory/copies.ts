import type { ResolvedPolicy } from '../../cache/policies/index.js';
import { UNPINNED } from '../../cache/policy.js';
import { buildCaches, type CacheOptions, layerOfExperts } from '../../cache/scope.js';
import { expertSizes, type ModelSpec } from '../../model/door.js';
import type { CopiesSpec } from '../../system/door.js';
import { CopyPool } from '../transfer/copies.js';

/** Bytes of a capacity for copies: 0 if every expert fits whole. @param expertBytes of all experts on the GPU */
export const copyRoom = (spec: CopiesSpec | undefined, capacityBytes: number, expertBytes: number): number =>
  spec === undefined || capacityBytes >= expertBytes ? 0 : Math.floor(spec.share * capacityBytes);

/** Model with copy-sized experts, for the copies' share of the expert cache. */
export function copiesOf(model: ModelSpec, copyBytes: number): ModelSpec {
  return { ...model, layers: model.layers.map((layer) => ({ ...layer, expertBytes: Math.ceil(copyBytes * layer.expertBytes) })) };
}

interface PoolOptions extends Omit<CacheOptions, 'capacityBytes' | 'parameters' | 'policy' | 'quotas' | 'rank'> {
  readonly spec: CopiesSpec;
  readonly policy: ResolvedPolicy;
  /** Copy size as a share of the expert's bytes. */
  readonly copyBytes: number;
  readonly roomBytes: number;
}

/** Copy pool of a GPU, with the policy's initial contents. */
export function copyPool({ copyBytes, model: whole, policy, roomBytes, spec, ...knows }: PoolOptions): CopyPool {
  const model = copiesOf(whole, copyBytes);
  const rank = new Int32Array(model.experts).fill(UNPINNED);
  const { definition, parameters } = policy;
  const caches = buildCaches({ ...knows, model, policy: definition, parameters, capacityBytes: roomBytes, rank });
  for (const cache of caches.caches) cache.preload();
  const expertBytes = whole.layers.reduce((bytes, layer) => bytes + layer.experts * layer.expertBytes, 0);
  return new CopyPool({
    caches,
    sizes: expertSizes(model),
    layerOf: layerOfExperts(model),
    bytesOf: (capacityBytes) => Math.min(roomBytes, copyRoom(spec, capacityBytes, expertBytes)),
    additive: spec.additive,
  });
}

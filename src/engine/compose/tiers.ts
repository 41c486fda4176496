import type { ResolvedPolicy } from '../../cache/policies/index.js';
import { UNPINNED } from '../../cache/policy.js';
import { buildCaches, type Scope } from '../../cache/scope.js';
import type { CostModel, LinkSpec } from '../../hardware/door.js';
import type { PolicyKnowledge } from '../event/parts.js';
import { CachedTier } from '../transfer/tier.js';

/** Caches at their initial contents. @param whole true: every expert is resident */
export function buildTier(
  knows: PolicyKnowledge,
  { definition: policy, parameters }: ResolvedPolicy,
  capacityBytes: number,
  scope: Scope,
  quotas: readonly number[] | null,
  link: LinkSpec,
  whole = false,
): CachedTier {
  const rank = new Int32Array(knows.model.experts).fill(UNPINNED);
  const caches = buildCaches({ ...knows, policy, parameters, capacityBytes, scope, quotas: quotas ?? undefined, rank });
  for (const cache of caches.caches) {
    if (whole) cache.preloadAll();
    else cache.preload();
  }
  return new CachedTier(caches, rank, link);
}

/** Static placement without experts of CPU layers (first) and split layer. */
export function withoutLayersOf({ onCpu, splitLayer }: CostModel, policy: ResolvedPolicy): ResolvedPolicy {
  const held = Math.max(onCpu.lastIndexOf(1), splitLayer) + 1;
  if (held === 0) return policy;
  const { cpuLayers = 0 } = policy.parameters;
  return { ...policy, parameters: { ...policy.parameters, cpuLayers: Math.max(held, Number(cpuLayers)) } };
}

/** Chunks of the system, or the machine's smaller chunks; links of several paths have no chunks. */
export function chunked(link: LinkSpec, chunk: number | undefined): LinkSpec {
  if (chunk === undefined || link.paths !== undefined) return link;
  return { ...link, chunkBytes: Math.min(chunk, link.chunkBytes ?? chunk) };
}

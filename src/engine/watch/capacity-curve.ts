// Hit rate against the capacity of the expert cache, on the demand of a run: where it stands, and what more memory would buy.
import { LogCursor } from '../../cache/demand.js';
import { lru } from '../../cache/policies/lru.js';
import { beladyHits, DemandReplay } from '../../cache/replay.js';
import { buildCaches, type Scope } from '../../cache/scope.js';
import type { CapacityCurve } from '../../result/details.js';
import type { SimulatedGpu } from '../simulation.js';

/** Capacities of the curve. */
const STEPS = 12;

/**
 * Replays the demand at several capacities, the same share of the experts that live there on every GPU; layer scope splits each evenly.
 * @returns capacities and hits of all GPUs together; null where the demand was not recorded, or where there is none
 */
export function capacityCurve(gpus: readonly SimulatedGpu[], scope: Scope): CapacityCurve | null {
  const logged = gpus.flatMap(({ expertBytes, gpu, log }) => (log === null ? [] : [{ expertBytes, log, preloaded: gpu.preloaded }]));
  const total = (of: (gpu: (typeof logged)[number]) => number): number => logged.reduce((sum, gpu) => sum + of(gpu), 0);
  const members = total(({ log }) => log.members);
  if (members === 0) return null;
  const shares = Array.from({ length: STEPS }, (_, step) => (step + 1) / STEPS);
  const capacityOf = (expertBytes: number, share: number): number => Math.round(expertBytes * share);
  return {
    bytes: shares.map((share) => total(({ expertBytes }) => capacityOf(expertBytes, share))),
    belady: shares.map((share) => {
      const hits = total(({ expertBytes, log, preloaded }) => beladyHits(log, scope, capacityOf(expertBytes, share), preloaded));
      return hits / members;
    }),
    lru: shares.map((share) => total(({ expertBytes, log }) => lruHits(log, scope, capacityOf(expertBytes, share))) / members),
  };
}

/** Hits of LRU, which starts empty. */
function lruHits(log: NonNullable<SimulatedGpu['log']>, scope: Scope, capacityBytes: number): number {
  const clock = { event: 0, pass: 0, layer: 0 };
  const caches = buildCaches({ model: log.model, policy: lru, parameters: {}, capacityBytes, scope, quotas: null, clock, seed: 0 });
  const replay = new DemandReplay(caches, clock, log.sequential);
  replay.run(new LogCursor(log));
  return replay.counts().hits;
}

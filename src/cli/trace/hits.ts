import { parsePolicy } from '../../cache/policies/index.js';
import { drawCurve } from '../../capacity/door.js';
import { shapeOf } from '../../trace/open/traced-model.js';
import type { RoutingTrace } from '../../trace/trace.js';
import type { CliContext } from '../kit/context.js';

/** Cache sizes, shares of a layer's experts. Ours. */
export const HIT_SHARES = [0.25, 0.5] as const;

/** Hit rates of a policy at {@link HIT_SHARES}. */
export interface PolicyHits {
  readonly policy: string;
  readonly hitRates: readonly number[];
}

/** LRU and Belady with a cache per layer from cold, without model or machine. */
export async function hitsOf(trace: RoutingTrace, context: CliContext): Promise<PolicyHits[]> {
  const model = shapeOf(trace);
  const { policies } = await drawCurve(
    {
      model,
      trace,
      policies: ['lru', 'belady'].map(parsePolicy),
      folder: '.',
      capacities: HIT_SHARES.map((share) => share * model.experts),
      scope: 'layer',
      replay: 'atomic',
      quotas: 'even',
      tokens: trace.tokens,
      warmup: 0,
      seed: 1,
      popularity: null,
      at: null,
      threads: 0,
    },
    { breathe: () => context.breathe() },
  );
  return policies.map(({ policy, points }) => ({ policy, hitRates: points.map(({ hitRate }) => hitRate) }));
}

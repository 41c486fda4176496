import { type PolicyContext, policy } from '../policy.js';
import { CountedResidents } from '../scored-residents.js';

class MapPriority extends CountedResidents {
  protected readonly score: (id: number) => number;

  constructor(context: PolicyContext, halfLife: number, unknown: number) {
    super(context, halfLife);
    const { counts } = this;
    const { predicted } = context;
    this.score = (id) => (counts.weight[id]! / counts.unit) * ((predicted?.[id] ?? 0) + unknown);
  }
}

/**
 * FineMoE: evicts by 1 / (probability x frequency), with probabilities from the map matched to the running token;
 * beyond the map's look-ahead the probability is `unknown`. Frequency decays with `halfLife` passes. Defaults
 * are ours: least loss among .001 to 1 and among 32 and 128, on two recordings.
 */
export const mapPriority = policy({
  name: 'map-priority',
  summary: 'evicts the least decayed uses x predicted probability',
  cites: 'FineMoE, arXiv 2502.05370',
  parameters: {
    halfLife: { default: 32, min: 0.01, description: 'passes after which a use counts half' },
    unknown: { default: 0.01, min: 0.000001, max: 1, description: 'probability of experts that no prediction reaches' },
  },
  takes: ['predicted'],
  create: (context, { halfLife, unknown }) => new MapPriority(context, halfLife, unknown),
});

// FineMoE's eviction: an expert stays for how often it was used, times how likely the map of the running token makes it.
import { member } from '../../base/members.js';
import type { PolicyContext, PolicyDefinition } from '../policy.js';
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
 * FineMoE (arXiv 2502.05370) evicts by 1 / (probability x frequency), the probability being that of the map found for the running token. Maps look
 * ahead a few layers: of layers that they do not reach, all experts have the probability `unknown`. Frequency is decayed with
 * `halfLife` passes. Both defaults are ours: of .001 to 1 and of 32 and 128, on two recordings and Qwen1.5's synthetic routing, they lose least.
 */
export const mapPriority: PolicyDefinition = {
  ...member('policy', 'map-priority'),
  takes: ['predicted'],
  create: (context, { halfLife, unknown }) => new MapPriority(context, Number(halfLife), Number(unknown)),
};

// The prior of an expert, for log-odds.
import type { MoeLayer } from '../model/door.js';

/**
 * The prior of an unknown expert: a layer's choices spread evenly over its experts. At most one half, whose log-odds are 0: a layer that uses
 * all of its experts would have infinite ones.
 */
export function evenShare({ experts, topK }: Pick<MoeLayer, 'experts' | 'topK'>): number {
  return Math.min(0.5, topK / experts);
}

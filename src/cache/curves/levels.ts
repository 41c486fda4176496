import { expertSizes, type ModelSpec } from '../../model/door.js';
import { isUniform } from '../cache.js';
import { divide, type Scope, type SplitCapacity } from '../scope.js';

/** One cache at several capacities. */
export interface CacheLevels {
  /** MoE layers [from, to). */
  readonly from: number;
  readonly to: number;
  /** Dense id of the first expert. */
  readonly base: number;
  /** Bytes, by id less `base`. */
  readonly sizes: Float64Array;
  readonly bytes: readonly number[];
  readonly uniform: boolean;
  /** Distinct, ascending, without 0. Empty if sizes differ. */
  readonly slots: readonly number[];
  /** By capacity: level; -1: no slot. */
  readonly levelOf: readonly number[];
}

/** Caches of one tier at several capacities. */
export function cacheLevels(model: ModelSpec, scope: Scope, capacities: readonly SplitCapacity[]): CacheLevels[] {
  const shares = capacities.map(({ bytes, quotas }) => divide(model, bytes, scope, quotas).shares);
  const all = expertSizes(model);
  const groups = scope === 'global' ? [model.layers] : model.layers.map((layer) => [layer]);
  return groups.map((layers, cache) => {
    const [first, last] = [layers[0]!, layers.at(-1)!];
    const sizes = all.subarray(first.offset, last.offset + last.experts);
    const bytes = shares.map((ofCaches) => ofCaches[cache]!);
    const uniform = isUniform(sizes);
    const counts = bytes.map((share) => (uniform ? Math.min(sizes.length, Math.floor(share / sizes[0]!)) : 0));
    const slots = [...new Set(counts)].filter((count) => count > 0).sort((a, b) => a - b);
    const levelOf = counts.map((count) => slots.indexOf(count));
    return { from: first.index, to: last.index + 1, base: first.offset, sizes, bytes, uniform, slots, levelOf };
  });
}

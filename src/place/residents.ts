import { sum } from '../base/statistics.js';
import { optimalQuotas } from '../cache/layer-quotas.js';
import { evenSplit } from '../cache/scope.js';
import { mostPopular } from '../cache/share.js';
import type { ModelSpec } from '../model/door.js';

/** Evenly, by captured demand (`skew`), or whole layers: first, last, or by capture per byte, then flatness. */
export const SPLITS = ['even', 'skew', 'first-layers', 'last-layers', 'flat-layers'] as const;
/** Name of a split in {@link SPLITS}. */
export type Split = (typeof SPLITS)[number];

/** True for a split into whole layers. */
export const ofLayers = (split: Split): boolean => split.endsWith('layers');

/** By MoE layer. @param demand by dense id */
export function slotsFor(model: ModelSpec, demand: Float64Array, capacityBytes: number, split: Split): number[] {
  if (split === 'even') return evenSplit(model, capacityBytes);
  if (split === 'skew')
    return optimalQuotas(
      model,
      model.layers.map((_, l) => captureBySlots(model, demand, l)),
      [capacityBytes],
    )[0]!;
  const order = layerOrder(model, demand, split);
  const slots = model.layers.map(() => 0);
  let left = capacityBytes;
  for (const l of order) {
    const { expertBytes, experts } = model.layers[l]!;
    if (experts * expertBytes > left) break;
    slots[l] = experts;
    left -= experts * expertBytes;
  }
  return slots;
}

/** Experts of a layer, hottest first; ties by id, as engines sort. */
export function ranked(model: ModelSpec, demand: Float64Array, layer: number): number[] {
  const { experts, offset } = model.layers[layer]!;
  return mostPopular(demand.subarray(offset, offset + experts));
}

/** Set by dense id (1: resident): the hottest `slots[layer]` experts of each layer. */
export function residentsOf(model: ModelSpec, demand: Float64Array, slots: readonly number[]): Uint8Array {
  const resident = new Uint8Array(model.experts);
  for (const { index, offset } of model.layers) {
    for (const expert of ranked(model, demand, index).slice(0, slots[index])) resident[offset + expert] = 1;
  }
  return resident;
}

/** Bytes of resident experts. */
export const residentBytes = ({ layers }: ModelSpec, slots: readonly number[]): number =>
  sum(layers.map(({ expertBytes }, l) => slots[l]! * expertBytes));

/** Demand of the n hottest experts, n = 0..experts. */
function captureBySlots(model: ModelSpec, demand: Float64Array, layer: number): Float64Array {
  const { experts, offset } = model.layers[layer]!;
  const captured = new Float64Array(experts + 1);
  for (const [n, expert] of ranked(model, demand, layer).entries()) captured[n + 1] = captured[n]! + demand[offset + expert]!;
  return captured;
}

function layerOrder(model: ModelSpec, demand: Float64Array, split: Split): number[] {
  const order = model.layers.map(({ index }) => index);
  if (split === 'first-layers') return order;
  if (split === 'last-layers') return order.reverse();
  const worth = model.layers.map(({ expertBytes, experts }, l) => {
    const captured = captureBySlots(model, demand, l);
    // Demand of the hotter half: the higher, the better a cache serves the layer.
    return { perByte: captured[experts]! / (experts * expertBytes), skew: captured[experts >> 1]! / (captured[experts]! || 1) };
  });
  return order.sort((a, b) => worth[b]!.perByte - worth[a]!.perByte || worth[a]!.skew - worth[b]!.skew || a - b);
}

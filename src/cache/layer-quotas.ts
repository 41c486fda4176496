import { greatestCommonDivisor } from '../base/divisor.js';
import type { ModelSpec } from '../model/door.js';

/** Ways to split a capacity over layers. */
export const QUOTAS = ['even', 'proportional', 'optimal', 'shallow'] as const;

/** Entry of {@link QUOTAS}. */
export type Quotas = (typeof QUOTAS)[number];

/** Most steps for the bytes of all experts. Ours. */
const STEPS = 8192;

/** Experts per layer, proportional to 2^entropy of demand, by largest remainders. @param demand by layer and expert */
export function proportionalQuotas(model: ModelSpec, demand: readonly Float64Array[], capacityBytes: number): number[] {
  const weights = demand.map(effectiveExperts);
  const slots = model.layers.map(() => 0);
  const wanted = model.layers.map(() => 0);
  let open = model.layers.map((_, l) => l);
  let left = capacityBytes;
  // A full layer leaves the rest of its share to open layers.
  while (open.length > 0) {
    const perWeight = left / open.reduce((sum, l) => sum + weights[l]! * model.layers[l]!.expertBytes, 0);
    const full = open.filter((l) => weights[l]! * perWeight >= model.layers[l]!.experts);
    if (full.length === 0) {
      for (const l of open) wanted[l] = weights[l]! * perWeight;
      break;
    }
    for (const l of full) {
      wanted[l] = model.layers[l]!.experts;
      left -= wanted[l]! * model.layers[l]!.expertBytes;
    }
    open = open.filter((l) => !full.includes(l));
  }
  for (let l = 0; l < slots.length; l++) slots[l] = Math.floor(wanted[l]! + 1e-9);
  const order = model.layers.map((_, l) => l).sort((a, b) => wanted[b]! - slots[b]! - (wanted[a]! - slots[a]!) || a - b);
  return giveRest(model, capacityBytes, slots, undefined, order);
}

/**
 * One expert more for layers in turn, while bytes suffice. @param slots changed @param most by layer @param order
 * layers
 */
export function giveRest(
  { layers }: ModelSpec,
  capacityBytes: number,
  slots: number[],
  most: readonly number[] = layers.map(({ experts }) => experts),
  order: Iterable<number> = layers.keys(),
): number[] {
  const turns = [...order];
  let left = layers.reduce((bytes, layer, l) => bytes - slots[l]! * layer.expertBytes, capacityBytes);
  for (let given = true; given; ) {
    given = false;
    for (const l of turns) {
      if (slots[l]! >= most[l]! || layers[l]!.expertBytes > left) continue;
      slots[l]!++;
      left -= layers[l]!.expertBytes;
      given = true;
    }
  }
  return slots;
}

/** 2^entropy: n for n equally likely experts, at least 1. */
function effectiveExperts(counts: Float64Array): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let entropy = 0;
  for (const count of counts) if (count > 0) entropy -= (count / total) * Math.log2(count / total);
  return 2 ** entropy;
}

/**
 * Splits with least traffic (AdapMoE, arXiv 2408.10284): best(l, c) = max over s of best(l - 1, c - s) + hits of s
 * slots x bytes.
 * @param hits `[layer][slots]` @param capacities bytes @returns experts per layer, by capacity
 */
export function optimalQuotas(model: ModelSpec, hits: readonly ArrayLike<number>[], capacities: readonly number[]): number[][] {
  const { layers } = model;
  const total = layers.reduce((sum, layer) => sum + layer.experts * layer.expertBytes, 0);
  // Exact by the greatest common divisor; too many steps enlarge the unit, and sizes round up.
  const exact = layers.reduce((divisor, layer) => greatestCommonDivisor(divisor, layer.expertBytes), 0);
  const equal = layers.every((layer) => layer.expertBytes === exact);
  const unit = equal || total / exact <= STEPS ? exact : total / STEPS;
  const most = Math.floor(Math.min(total, Math.max(...capacities)) / unit + 1e-9);
  let best = new Float64Array(most + 1);
  const choices = layers.map((layer, l) => {
    const next = new Float64Array(most + 1);
    const choice = new Uint16Array(most + 1);
    for (let slots = 0; slots <= layer.experts; slots++) {
      // Rounded up, so that a split never exceeds the capacity.
      const cost = Math.ceil((slots * layer.expertBytes) / unit - 1e-9);
      const value = hits[l]![slots]! * layer.expertBytes;
      for (let units = cost; units <= most; units++) {
        const sum = best[units - cost]! + value;
        if (slots > 0 && sum <= next[units]!) continue;
        next[units] = sum;
        choice[units] = slots;
      }
    }
    best = next;
    return choice;
  });
  return capacities.map((capacity) => {
    const quotas = new Array<number>(layers.length);
    let units = Math.min(most, Math.floor(capacity / unit + 1e-9));
    for (let l = layers.length - 1; l >= 0; l--) {
      quotas[l] = choices[l]![units]!;
      units -= Math.ceil((quotas[l]! * layers[l]!.expertBytes) / unit - 1e-9);
    }
    return topUp(model, hits, quotas, capacity);
  });
}

/** Gives bytes left by rounding to layers with the largest saving. */
function topUp(model: ModelSpec, hits: readonly ArrayLike<number>[], quotas: number[], capacity: number): number[] {
  const { layers } = model;
  let left = quotas.reduce((bytes, slots, l) => bytes - slots * layers[l]!.expertBytes, capacity);
  for (;;) {
    let best = -1;
    let most = -1;
    for (const [l, { experts, expertBytes }] of layers.entries()) {
      if (quotas[l]! >= experts || expertBytes > left) continue;
      const gain = (hits[l]![quotas[l]! + 1]! - hits[l]![quotas[l]!]!) * expertBytes;
      if (gain > most) [best, most] = [l, gain];
    }
    if (best < 0) return quotas;
    quotas[best]!++;
    left -= layers[best]!.expertBytes;
  }
}

/** Half (ours) of the capacity for whole first layers, hard to predict (Fate, arXiv 2502.12224), the rest in turn. */
export function shallowQuotas(model: ModelSpec, capacityBytes: number): number[] {
  const { layers } = model;
  const quotas = layers.map(() => 0);
  let left = capacityBytes;
  for (const [l, { experts, expertBytes }] of layers.entries()) {
    if (left - experts * expertBytes < capacityBytes / 2) break;
    quotas[l] = experts;
    left -= experts * expertBytes;
  }
  return giveRest(model, capacityBytes, quotas);
}

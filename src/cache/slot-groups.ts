import { sum } from '../base/statistics.js';
import type { ModelSpec } from '../model/door.js';

/** Layers on a GPU whose expert matrices agree in bytes: they share slots. */
export interface SlotGroup {
  readonly layers: number;
  readonly experts: number;
  /** Bytes of an expert, by matrix. */
  readonly matrices: readonly number[];
}

/** Alignment of GPU buffers, bytes (CUDA). */
const ALIGNMENT = 128;

const hostBytes = ({ experts, layers, matrices }: SlotGroup): number => layers * experts * sum(matrices);

/** Bytes of a buffer a matrix, for `slots` experts. */
export const bankBytes = ({ matrices }: Pick<SlotGroup, 'matrices'>, slots: number): number =>
  matrices.reduce((sum, bytes) => sum + Math.ceil((bytes * slots) / ALIGNMENT) * ALIGNMENT, 0);

/** Experts that fit `bytes` with `spare` empty slots, at most all. */
function slotsIn(group: SlotGroup, bytes: number, spare: number): number {
  let slots = Math.min(group.layers * group.experts, Math.floor(bytes / sum(group.matrices)));
  while (slots > 0 && bankBytes(group, slots + spare) > bytes) slots--;
  return slots;
}

/**
 * Slots of each group of a GPU, which has `weight` of the `total` weight of all GPUs. @param bytes budget of all GPUs,
 * divided by weight, then by the bytes of the experts
 */
export function slotsOfGroups(groups: readonly SlotGroup[], bytes: number, spare: number, weight = 1, total = 1): number[] {
  const all = sum(groups.map(hostBytes));
  return groups.map((group) => slotsIn(group, Math.trunc(bytes * (weight / total) * (hostBytes(group) / all)), spare));
}

/** Bytes of experts in a cache of `bytes` with `spare` empty slots a group. */
export function keptBytes({ layers }: ModelSpec, bytes: number, spare: number): number {
  const groups = new Map<string, SlotGroup>();
  for (const { expertBytes, experts } of layers) {
    const key = `${experts} ${expertBytes}`;
    groups.set(key, { layers: (groups.get(key)?.layers ?? 0) + 1, experts, matrices: [expertBytes] });
  }
  const list = [...groups.values()];
  return slotsOfGroups(list, bytes, spare).reduce((sum, slots, g) => sum + slots * list[g]!.matrices[0]!, 0);
}

import { member } from '../../base/members.js';
import { EVERYWHERE, type PlacementDefinition } from './placement.js';

/**
 * Longest processing time first (Graham, 1969): popular experts first, to the GPU with least work and room; at most
 * ceil(experts / GPUs) a layer (DeepSeek's EPLB: balanced packing). @param homes written at `ids`
 */
function packByPopularity(ids: readonly number[], popularity: Float64Array, gpus: number, homes: Int32Array): void {
  const room = Math.ceil(ids.length / gpus);
  const work = new Float64Array(gpus);
  const held = new Int32Array(gpus);
  for (const id of ids.toSorted((a, b) => popularity[b]! - popularity[a]! || a - b)) {
    let home = -1;
    for (let gpu = 0; gpu < gpus; gpu++) {
      if (held[gpu]! < room && (home < 0 || work[gpu]! < work[home]!)) home = gpu;
    }
    homes[id] = home;
    work[home]! += popularity[id]!;
    held[home]! += 1;
  }
}

/** Spreads a profile's load evenly over GPUs. */
export const byPopularity: PlacementDefinition = {
  ...member('placement', 'popularity'),
  needsPopularity: true,
  place(layer) {
    const homes = new Int32Array(layer.experts);
    packByPopularity([...homes.keys()], layer.popularity!, layer.gpus, homes);
    return homes;
  },
};

/** Puts the `hottest` experts of each layer on every GPU (FasterMoE: shadowed; DeepSeek-V3: redundant). */
export const replicated: PlacementDefinition = {
  ...member('placement', 'replicated'),
  needsPopularity: true,
  place({ experts, gpus, popularity }, { hottest }) {
    const homes = new Int32Array(experts).fill(EVERYWHERE);
    const ranked = [...homes.keys()].sort((a, b) => popularity![b]! - popularity![a]! || a - b);
    packByPopularity(ranked.slice(Number(hottest)), popularity!, gpus, homes);
    return homes;
  },
};

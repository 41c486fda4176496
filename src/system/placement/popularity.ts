import { EVERYWHERE, placement } from './placement.js';

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
export const byPopularity = placement({
  name: 'popularity',
  summary: 'popular experts apart, so that each GPU gets as much work',
  cites: 'Graham, SIAM J. Appl. Math. 17(2), 1969; DeepSeek EPLB (balanced packing)',
  needsPopularity: true,
  place(layer) {
    const homes = new Int32Array(layer.experts);
    packByPopularity([...homes.keys()], layer.popularity!, layer.gpus, homes);
    return homes;
  },
});

/** Puts the `hottest` experts of each layer on every GPU (FasterMoE: shadowed; DeepSeek-V3: redundant). */
export const replicated = placement({
  name: 'replicated',
  summary: 'the most popular experts on every GPU, the others as popularity places them',
  cites: 'FasterMoE (shadowing), PPoPP 2022; FlexMoE, arXiv 2304.03946; DeepSeek-V3 (redundant experts), arXiv 2412.19437',
  parameters: { hottest: { default: 4, min: 0, description: 'experts of each layer that live on every GPU' } },
  needsPopularity: true,
  place({ experts, gpus, popularity }, { hottest }) {
    const homes = new Int32Array(experts).fill(EVERYWHERE);
    const ranked = [...homes.keys()].sort((a, b) => popularity![b]! - popularity![a]! || a - b);
    packByPopularity(ranked.slice(hottest), popularity!, gpus, homes);
    return homes;
  },
});

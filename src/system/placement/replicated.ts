// The most popular experts live on every GPU, so that their tokens stay where they are; the others are spread by popularity.
import { EVERYWHERE, type PlacementDefinition } from './placement.js';
import { packByPopularity } from './popularity.js';

/** `hottest`: number of experts of each layer that live everywhere. FasterMoE calls them shadowed, DeepSeek-V3 redundant. */
export const replicated: PlacementDefinition = {
  name: 'replicated',
  summary: 'the most popular experts on every GPU, the others as popularity places them',
  cites: 'FasterMoE (shadowing), PPoPP 2022; FlexMoE, arXiv 2304.03946; DeepSeek-V3 (redundant experts), arXiv 2412.19437',
  parameters: {
    hottest: { default: 4, description: 'experts of each layer that live on every GPU', min: 0 },
  },
  needsPopularity: true,
  place({ experts, gpus, popularity }, { hottest }) {
    const homes = new Int32Array(experts).fill(EVERYWHERE);
    const ranked = [...homes.keys()].sort((a, b) => popularity![b]! - popularity![a]! || a - b);
    packByPopularity(ranked.slice(Number(hottest)), popularity!, gpus, homes);
    return homes;
  },
};

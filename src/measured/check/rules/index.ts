import { coldStart } from './cold-start.js';
import { cpuPrompt } from './cpu-prompt.js';
import { expertCache } from './expert-cache.js';
import { layerSplit } from './layer-split.js';
import { lossyRouting } from './lossy-routing.js';
import { memoryChannels } from './memory-channels.js';
import { mistaken } from './mistaken.js';
import { overhead } from './overhead.js';
import { pageableCopies } from './pageable-copies.js';
import { paging } from './paging.js';
import { pcieLanes } from './pcie-lanes.js';
import { powerLimit } from './power-limit.js';
import type { CauseRule } from './rule.js';
import { sockets } from './sockets.js';
import { thermal } from './thermal.js';
import { threads } from './threads.js';
import { uncounted } from './uncounted.js';
import { vramSpill } from './vram-spill.js';

/** Registry of causes. */
export const CAUSES: readonly CauseRule[] = [
  paging,
  vramSpill,
  sockets,
  coldStart,
  thermal,
  powerLimit,
  expertCache,
  layerSplit,
  threads,
  uncounted,
  memoryChannels,
  pcieLanes,
  cpuPrompt,
  pageableCopies,
  mistaken,
  lossyRouting,
  overhead,
];

// Paging: the model is larger than the memory that holds its pages, so that every token reads from the disk again.
import { formatBytes } from '../../../base/units.js';
import { atMost, type CauseRule } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Share of the memory that can hold pages of a file; the rest is the system's and the program's. Ours: 4 to 6 GiB of 64. */
const FOR_PAGES = 0.9;
/** Largest ratio to the expected speed: a page from the disk takes a hundred times as long as one from memory. */
const RATIO = 0.5;

/** The model's pages do not fit in memory. */
export const paging: CauseRule = {
  name: 'paging',
  title: 'paging, or a cold page cache',
  weight: WEIGHTS.paging,
  advice:
    'Take a smaller format, move more experts to the GPU, or close what else uses memory; --no-mmap keeps what the GPU has out of it.',
  examine: ({ decode, footprint, row }) => {
    if (!atMost(decode, RATIO) || row.placement.kind === 'ssd-stream' || footprint === null || footprint.hostHas === null) return null;
    const { hostHas, hostNeeds } = footprint;
    if (hostNeeds <= FOR_PAGES * hostHas) return null;
    return `The system holds ${formatBytes(hostNeeds)} of the model in ${formatBytes(hostHas)} of memory: pages are read from the disk again and again.`;
  },
};

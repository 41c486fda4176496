import { overfullText, PAGES_SHARE } from '../../../hardware/door.js';
import { atMost, type CauseRule } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Largest ratio to the expected speed. Ours: a page takes a hundred times as long from disk as from memory. */
const RATIO = 0.5;

/** The model exceeds the memory for its pages, so every token reads from disk. */
export const paging: CauseRule = {
  name: 'paging',
  title: 'paging, or a cold page cache',
  weight: WEIGHTS.paging,
  advice:
    'Take a smaller format, move more experts to the GPU, or close what else uses memory; --load-mode none (older builds: --no-mmap) keeps what the GPU has out of it.',
  examine: ({ decode, footprint, row }) => {
    if (!atMost(decode, RATIO) || row.placement.kind === 'ssd-stream' || footprint === null || footprint.hostHas === null) return null;
    const { hostHas, hostNeeds: needs, hostTouched: touched, pages } = footprint;
    const has = PAGES_SHARE * hostHas;
    if (needs <= has) return null;
    return `${overfullText({ needs, has, touched, speed: decode!.expected }, pages, 'weights', 'memory for pages')}.`;
  },
};

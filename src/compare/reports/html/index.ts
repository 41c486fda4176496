// The sections of a comparison, in the order of asking. A new one is a file and a line here.
import type { Section } from '../../../report/page/pieces.js';
import type { Comparison } from '../../compare.js';
import { budgetsCompared } from './budgets.js';
import { capacityCompared } from './capacity.js';
import { causesCompared } from './causes.js';
import { changesCompared } from './changes.js';
import { latencyCompared } from './latency.js';
import { layersCompared } from './layers.js';
import { loadsCompared } from './loads.js';
import { prefetchCompared } from './prefetch.js';
import { provenanceCompared } from './provenance.js';
import { setupCompared } from './setup.js';
import { timeCompared } from './time.js';

/** Sections of a comparison. */
export const comparedSections: readonly Section<Comparison>[] = [
  budgetsCompared,
  changesCompared,
  causesCompared,
  setupCompared,
  timeCompared,
  layersCompared,
  latencyCompared,
  capacityCompared,
  loadsCompared,
  prefetchCompared,
  provenanceCompared,
];

// The sections of a comparison, in the order of asking. A new one is a file and a line here.
import type { Section } from '../../../report/html/pieces.js';
import type { Comparison } from '../../compare.js';
import { budgetsCompared } from './budgets.js';
import { capacityCompared } from './capacity.js';
import { causesCompared } from './causes.js';
import { changesCompared } from './changes.js';
import { latencyCompared } from './latency.js';
import { layersCompared } from './layers.js';
import { loadsCompared, type Placed } from './loads.js';
import { prefetchCompared } from './prefetch.js';
import { provenanceCompared } from './provenance.js';
import { setupCompared } from './setup.js';
import { timeCompared } from './time.js';

/** A section that needs to know only the comparison. */
const placed = ({ id, title, draw }: Section<Comparison>): Section<Placed> => ({ id, title, draw: ({ comparison }) => draw(comparison) });

/** Sections of a comparison. */
export const comparedSections: readonly Section<Placed>[] = [
  placed(budgetsCompared),
  placed(setupCompared),
  placed(changesCompared),
  placed(causesCompared),
  placed(timeCompared),
  placed(layersCompared),
  placed(latencyCompared),
  placed(capacityCompared),
  loadsCompared,
  placed(prefetchCompared),
  placed(provenanceCompared),
];

// The sections of a comparison, in the order of asking. A new one is a file and a line here.
import type { Section } from '../../../report/html/pieces.js';
import type { Comparison } from '../../compare.js';
import { budgetsSection } from './budgets.js';
import { capacitySection } from './capacity.js';
import { causesSection } from './causes.js';
import { changesSection } from './changes.js';
import { latencySection } from './latency.js';
import { layersSection } from './layers.js';
import { loadsSection, type Placed } from './loads.js';
import { prefetchSection } from './prefetch.js';
import { provenanceSection } from './provenance.js';
import { setupSection } from './setup.js';
import { timeSection } from './time.js';

/** A section that needs to know only the comparison. */
const placed = ({ id, title, draw }: Section<Comparison>): Section<Placed> => ({ id, title, draw: ({ comparison }) => draw(comparison) });

/** Sections of a comparison. */
export const sections: readonly Section<Placed>[] = [
  placed(budgetsSection),
  placed(setupSection),
  placed(changesSection),
  placed(causesSection),
  placed(timeSection),
  placed(layersSection),
  placed(latencySection),
  placed(capacitySection),
  loadsSection,
  placed(prefetchSection),
  placed(provenanceSection),
];

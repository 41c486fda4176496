// The sections of the report on one run, in the order of a reader's questions. Adding one is a file and a line here.
import type { Result } from '../../../result/result.js';
import type { Section } from '../../page/pieces.js';
import { capacitySection } from './capacity.js';
import { classesSection } from './classes.js';
import { latencySection } from './latency.js';
import { layerSection } from './layers.js';
import { loadsSection } from './loads.js';
import { offendersSection } from './offenders.js';
import { prefetchSection } from './prefetch.js';
import { provenanceSection } from './provenance.js';
import { seriesSection } from './series.js';
import { timeSection } from './time.js';
import { warningsSection } from './warnings.js';

/** Sections of a run. */
export const sections: readonly Section<Result>[] = [
  warningsSection,
  timeSection,
  layerSection,
  loadsSection,
  capacitySection,
  seriesSection,
  latencySection,
  classesSection,
  prefetchSection,
  offendersSection,
  provenanceSection,
];

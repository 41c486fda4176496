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
import type { Sides } from './sides.js';
import { timeSection } from './time.js';
import { warningsSection } from './warnings.js';

/** Sections of any number of runs. */
export const sidedSections = {
  time: timeSection,
  layers: layerSection,
  latency: latencySection,
  capacity: capacitySection,
  loads: loadsSection,
  prefetch: prefetchSection,
  provenance: provenanceSection,
};

/** Sections in order. A new section is a file and a line. */
export const sections: readonly Section<Result>[] = [
  warningsSection,
  ...[timeSection, layerSection, loadsSection, capacitySection].map(alone),
  seriesSection,
  alone(latencySection),
  classesSection,
  alone(prefetchSection),
  offendersSection,
  alone(provenanceSection),
];

function alone({ draw, ...section }: Section<Sides>): Section<Result> {
  return { ...section, draw: (result, source) => draw([{ label: 'This run', word: 'this run', color: 'accent', result }], source) };
}

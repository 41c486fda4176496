// The sections of a comparison, in the order of asking. A new one is a file and a line here; those that a report of one run has as well stand
// with that report.
import { type Section, type Sides, sidedSections } from '../../../report/door.js';
import type { Comparison } from '../../compare.js';
import { budgetsCompared } from './budgets.js';
import { causesCompared } from './causes.js';
import { changesCompared } from './changes.js';
import { setupCompared } from './setup.js';

/** Sections of a comparison. */
export const comparedSections: readonly Section<Comparison>[] = [
  budgetsCompared,
  changesCompared,
  causesCompared,
  setupCompared,
  compared(sidedSections.time),
  compared({ ...sidedSections.layers, title: 'By layer' }),
  compared(sidedSections.latency),
  compared(sidedSections.capacity),
  compared(sidedSections.loads),
  compared(sidedSections.prefetch),
  compared({ ...sidedSections.provenance, title: 'Warnings, configuration, provenance' }),
];

/** A section of both runs, the base first. */
function compared({ draw, ...section }: Section<Sides>): Section<Comparison> {
  return {
    ...section,
    draw: ({ base, candidate, results }, source) =>
      draw(
        [
          { label: base, word: 'base', color: 'base', result: results.base },
          { label: candidate, word: 'candidate', color: 'accent', result: results.candidate },
        ],
        source,
      ),
  };
}

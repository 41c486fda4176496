// Both runs on the curve of hit rate against capacity.

import { CAPACITY_NOTE, capacityPlot, capacityWords } from '../../../report/html/sections/capacity.js';
import { html } from '../../../report/page/markup.js';
import type { Section } from '../../../report/page/pieces.js';
import type { Comparison } from '../../compare.js';
import { sidesOf } from './sides.js';

/** Hit rate against capacity; only where both runs make the same demand of the same experts. */
export const capacityCompared: Section<Comparison> = {
  id: 'capacity',
  title: 'Hit rate against capacity',
  draw(comparison) {
    const [base, candidate] = sidesOf(comparison);
    const curve = candidate.result.details?.capacity ?? null;
    const other = base.result.details?.capacity ?? null;
    const same =
      curve !== null && other !== null && curve.belady.every((rate, k) => rate === other.belady[k] && curve.bytes[k] === other.bytes[k]);
    if (!same) return null;
    const said = [base, candidate].map(({ label, result }) => capacityWords(label, result, curve)).join(' ');
    const points = [base, candidate].map(({ color, result }) => ({ word: color === 'base' ? 'base' : 'candidate', color, result }));
    return { about: `${said} ${CAPACITY_NOTE}`, content: html`${capacityPlot(said, curve, points)}` };
  },
};

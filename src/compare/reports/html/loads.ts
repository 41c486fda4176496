// Loads of experts in both runs, in one scale of colours.
import { sum } from '../../../base/statistics.js';
import { formatCount } from '../../../base/units.js';
import { heatLegend, heatPicture, heatScale } from '../../../report/page/heat.js';
import { html } from '../../../report/page/markup.js';
import type { Section } from '../../../report/page/pieces.js';
import type { Comparison } from '../../compare.js';
import { beside, sidesOf } from './sides.js';

/** Loads by layer and expert. */
export const loadsCompared: Section<Comparison> = {
  id: 'loads',
  title: 'Loads by layer and expert',
  draw(comparison, source) {
    const all = sidesOf(comparison).flatMap(({ result }) => (result.details === undefined ? [] : [result.details.loads]));
    if (all.length < 2) return null;
    const scale = heatScale(all);
    if (scale.most === 0) return { about: 'No expert was loaded: those that were asked for were resident.', content: null };
    return {
      about: null,
      content: html`${heatLegend(scale)}${beside(comparison, ({ label, color, result }) => {
        const { loads } = result.details!;
        const said = `${label}: ${formatCount(sum(loads.flat()))} loads.`;
        return heatPicture({ loads, ...scale }, said, `${source}.${color === 'base' ? 'base' : 'candidate'}.loads`);
      })}`,
    };
  },
};

// Expert transfers: loads by layer and expert, of several runs in one scale of colours.
import { sum } from '../../../base/statistics.js';
import { formatCount, formatRatio } from '../../../base/units.js';
import { deviceWords } from '../../device.js';
import { heatLegend, heatPicture, heatScale } from '../../page/heat.js';
import { html } from '../../page/markup.js';
import type { Section } from '../../page/pieces.js';
import { beside, type Sides } from './sides.js';

/** Loads by layer and expert. */
export const loadsSection: Section<Sides> = {
  id: 'loads',
  title: 'Loads by layer and expert',
  draw(sides, source) {
    const all = sides.flatMap(({ result: { details } }) => (details === undefined ? [] : [details.loads]));
    if (all.length < sides.length) return null;
    const scale = heatScale(all);
    if (scale.most === 0) {
      const { place } = deviceWords(sides[0].result);
      return { about: `No expert was loaded: those that were asked for were ${place}.`, content: null };
    }
    const [loads] = all;
    if (sides.length === 1) {
      const said = tenthText(loads!);
      return { about: said, content: html`${heatLegend(scale)}${heatPicture({ loads: loads!, ...scale }, said, `${source}.loads`)}` };
    }
    const pictures = beside(sides, ({ label, result, word }) => {
      const own = result.details!.loads;
      return heatPicture({ loads: own, ...scale }, `${label}: ${formatCount(sum(own.flat()))} loads.`, `${source}.${word}.loads`);
    });
    return { about: null, content: html`${heatLegend(scale)}${pictures}` };
  },
};

function tenthText(loads: readonly (readonly number[])[]): string {
  const flat = loads.flat().sort((a, b) => b - a);
  const total = sum(flat);
  const top = sum(flat.slice(0, Math.max(1, Math.ceil(flat.length / 10)))) / total;
  return `The tenth of the experts that is loaded most takes ${formatRatio(top, 0)} of ${formatCount(total)} loads.`;
}

// Expert transfers: loads by layer and expert.
import { sum } from '../../../base/statistics.js';
import { formatCount, formatRatio } from '../../../base/units.js';
import type { Result } from '../../../result/result.js';
import { deviceWords } from '../../device.js';
import { heatLegend, heatPicture, heatScale } from '../../page/heat.js';
import { html } from '../../page/markup.js';
import type { Section } from '../../page/pieces.js';

/** Loads by layer and expert. */
export const loadsSection: Section<Result> = {
  id: 'loads',
  title: 'Loads by layer and expert',
  draw(result) {
    const { details } = result;
    if (details === undefined) return null;
    const { loads } = details;
    const flat = loads.flat().sort((a, b) => b - a);
    const total = sum(flat);
    if (total === 0) return { about: `No expert was loaded: those that were asked for were ${deviceWords(result).place}.`, content: null };
    const top = sum(flat.slice(0, Math.max(1, Math.ceil(flat.length / 10)))) / total;
    const said = `The tenth of the experts that is loaded most takes ${formatRatio(top, 0)} of ${formatCount(total)} loads.`;
    const scale = heatScale([loads]);
    return { about: said, content: html`${heatLegend(scale)}${heatPicture({ loads, ...scale }, said, 'details.loads')}` };
  },
};

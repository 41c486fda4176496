// Hit rate by layer of both runs, and changes of the GPU's time by layer.
import { sum } from '../../../base/statistics.js';
import { formatNs } from '../../../base/units.js';
import { formatDelta } from '../../../report/format.js';
import { layerLegend, layerPlot, layerRates, layerWords } from '../../../report/html/sections/layers.js';
import { layerTicks } from '../../../report/page/axis.js';
import { divergingColumns, plot } from '../../../report/page/chart.js';
import { html, type Piece } from '../../../report/page/markup.js';
import { legend, type Section } from '../../../report/page/pieces.js';
import type { PerLayer } from '../../../result/result.js';
import type { Comparison } from '../../compare.js';
import { beside } from './sides.js';

/** Change of the time by layer; nothing where the runs do not have the same layers, or took the same time. */
function timeChange(before: PerLayer, after: PerLayer): Piece {
  if (before.demanded.length !== after.demanded.length) return null;
  const time = ({ stallNs, computeNs, denseNs }: PerLayer, layer: number): number => stallNs[layer]! + computeNs[layer]! + denseNs[layer]!;
  const changes = before.demanded.map((_, layer) => time(after, layer) - time(before, layer));
  const most = Math.max(...changes.map(Math.abs));
  if (!(most > 0)) return null;
  const said = `The time at MoE layers changes by ${formatDelta(sum(changes), 'ns')}`;
  return html`<h3>${said}</h3>${legend([
    ['miss', 'longer'],
    ['hit', 'shorter'],
  ])}${plot(
    {
      label: `${said}, by layer`,
      height: 180,
      x: layerTicks(changes.length),
      y: [
        { at: 0, label: `-${formatNs(most)}` },
        { at: 0.5, label: '0' },
        { at: 1, label: `+${formatNs(most)}` },
      ],
      xTitle: 'MoE layer',
      yTitle: 'change of the time',
    },
    divergingColumns(
      changes.map((change) => change / most),
      'miss',
      'hit',
    ),
  )}`;
}

/** By layer. */
export const layersCompared: Section<Comparison> = {
  id: 'layers',
  title: 'By layer',
  draw(comparison) {
    const { base, candidate } = comparison.results;
    if (base.perLayer.demanded.length === 0 || candidate.perLayer.demanded.length === 0) return null;
    const anyLate = sum(base.perLayer.late) + sum(candidate.perLayer.late) > 0;
    return {
      about: null,
      content: html`${layerLegend(anyLate)}${beside(comparison, ({ label, result: { perLayer } }) => {
        const said = layerWords(layerRates(perLayer));
        return html`${layerPlot(perLayer, `Hit rate by layer of ${label}. ${said}`, 180)}<p class="about">${said}</p>`;
      })}${timeChange(base.perLayer, candidate.perLayer)}`,
    };
  },
};

import { sum } from '../../../base/statistics.js';
import { formatNs, formatRatio } from '../../../base/units.js';
import type { PerLayer } from '../../../result/result.js';
import { gridTable } from '../../document/page.js';
import { formatDelta } from '../../format.js';
import { layerTicks, SHARE_TICKS } from '../../page/axis.js';
import { columns, divergingColumns, plot } from '../../page/chart.js';
import { html, type Markup, type Piece } from '../../page/markup.js';
import { legend, type Section } from '../../page/pieces.js';
import { layerGrid } from '../../summary/grids.js';
import { beside, type Sides } from './sides.js';

function layerRates(perLayer: PerLayer): { readonly hits: number[]; readonly late: number[]; readonly misses: number[] } {
  const rate = (part: readonly number[]): number[] =>
    part.map((count, layer) => (perLayer.demanded[layer]! > 0 ? count / perLayer.demanded[layer]! : 0));
  return { hits: rate(perLayer.hits), late: rate(perLayer.late), misses: rate(perLayer.misses) };
}

function layerWords({ hits }: { readonly hits: readonly number[] }): string {
  const [least, most] = [Math.min(...hits), Math.max(...hits)];
  return least === most
    ? `Every layer hits ${formatRatio(most)}.`
    : `From ${formatRatio(least)} at layer ${hits.indexOf(least)} to ${formatRatio(most)} at layer ${hits.indexOf(most)}.`;
}

function layerPlot(perLayer: PerLayer, label: string, height: number): Markup {
  const { hits, late, misses } = layerRates(perLayer);
  return plot(
    { label, height, x: layerTicks(hits.length), y: SHARE_TICKS, xTitle: 'MoE layer', yTitle: 'share of the demand' },
    columns([hits, late, misses], ['hit', 'late', 'miss']),
  );
}

function layerLegend(anyLate: boolean): Markup {
  return legend([
    ['hit', 'hit: resident when asked for'],
    ...(anyLate ? [['late', 'late: prefetched, not yet there'] as const] : []),
    ['miss', 'miss'],
  ]);
}

/** Change of the time by layer; null for different layers, or equal times. */
function timeChange(before: PerLayer, after: PerLayer): Piece {
  if (before.demanded.length !== after.demanded.length) return null;
  const time = ({ stallNs, computeNs, denseNs }: PerLayer, layer: number): number => stallNs[layer]! + computeNs[layer]! + denseNs[layer]!;
  const changes = before.demanded.map((_, layer) => time(after, layer) - time(before, layer));
  const most = Math.max(...changes.map(Math.abs));
  if (!(most > 0)) return null;
  const text = `The time at MoE layers changes by ${formatDelta(sum(changes), 'ns')}`;
  return html`<h3>${text}</h3>${legend([
    ['miss', 'longer'],
    ['hit', 'shorter'],
  ])}${plot(
    {
      label: `${text}, by layer`,
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

/** Hit rate by layer; for two runs side by side, with the change of the time. */
export const layerSection: Section<Sides> = {
  id: 'layers',
  title: 'Hit rate by layer',
  draw(sides) {
    const all = sides.map(({ result }) => result.perLayer);
    if (all.some(({ demanded }) => demanded.length === 0)) return null;
    const known = layerLegend(all.some(({ late }) => sum(late) > 0));
    if (sides.length === 1) {
      const [{ result }] = sides;
      const text = layerWords(layerRates(result.perLayer));
      return {
        about: text,
        content: html`${known}${layerPlot(result.perLayer, `Hit rate by layer. ${text}`, 220)}
<details><summary>Figures by layer</summary>${gridTable('Counters by MoE layer', layerGrid(result), [])}</details>`,
      };
    }
    const pictures = beside(sides, ({ label, result: { perLayer } }) => {
      const text = layerWords(layerRates(perLayer));
      return html`${layerPlot(perLayer, `Hit rate by layer of ${label}. ${text}`, 180)}<p class="about">${text}</p>`;
    });
    return { about: null, content: html`${known}${pictures}${timeChange(all[0]!, all[1]!)}` };
  },
};

// Hit, late and miss by layer.
import { sum } from '../../../base/statistics.js';
import { formatRatio } from '../../../base/units.js';
import type { PerLayer, Result } from '../../../result/result.js';
import { readable } from '../../document/document.js';
import { layerTicks, SHARE_TICKS } from '../../page/axis.js';
import { columns, plot } from '../../page/chart.js';
import { html, type Markup } from '../../page/markup.js';
import { legend, type Section, table } from '../../page/pieces.js';
import { layerGrid } from '../../summary/grids.js';

/** Shares of each layer's demand. */
export function layerRates(perLayer: PerLayer): { readonly hits: number[]; readonly late: number[]; readonly misses: number[] } {
  const rate = (part: readonly number[]): number[] =>
    part.map((count, layer) => (perLayer.demanded[layer]! > 0 ? count / perLayer.demanded[layer]! : 0));
  return { hits: rate(perLayer.hits), late: rate(perLayer.late), misses: rate(perLayer.misses) };
}

/** Sentence on the range of hit rates. */
export function layerWords({ hits }: { readonly hits: readonly number[] }): string {
  const [least, most] = [Math.min(...hits), Math.max(...hits)];
  return least === most
    ? `Every layer hits ${formatRatio(most)}.`
    : `From ${formatRatio(least)} at layer ${hits.indexOf(least)} to ${formatRatio(most)} at layer ${hits.indexOf(most)}.`;
}

/** The picture: stacked shares by layer. */
export function layerPlot(perLayer: PerLayer, label: string, height: number): Markup {
  const { hits, late, misses } = layerRates(perLayer);
  return plot(
    { label, height, x: layerTicks(hits.length), y: SHARE_TICKS, xTitle: 'MoE layer', yTitle: 'share of the demand' },
    columns([hits, late, misses], ['hit', 'late', 'miss']),
  );
}

/** Legend of the picture. */
export function layerLegend(anyLate: boolean): Markup {
  return legend([
    ['hit', 'hit: resident when asked for'],
    ...(anyLate ? [['late', 'late: prefetched, not yet there'] as const] : []),
    ['miss', 'miss'],
  ]);
}

/** Hit rate by layer. */
export const layerSection: Section<Result> = {
  id: 'layers',
  title: 'Hit rate by layer',
  draw(result) {
    const { perLayer } = result;
    if (perLayer.demanded.length === 0) return null;
    const said = layerWords(layerRates(perLayer));
    const { head, rows } = readable(layerGrid(result), 'markdown', true);
    return {
      about: said,
      content: html`${layerLegend(sum(perLayer.late) > 0)}${layerPlot(perLayer, `Hit rate by layer. ${said}`, 220)}
<details><summary>Figures by layer</summary>${table('Counters by MoE layer', head, rows, [])}</details>`,
    };
  },
};

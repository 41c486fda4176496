import { sum } from '../../../base/statistics.js';
import { formatCount, formatRatio } from '../../../base/units.js';
import { layerTicks, roundTicks } from '../../page/axis.js';
import { plot } from '../../page/chart.js';
import { html, type Markup } from '../../page/markup.js';
import type { Section } from '../../page/pieces.js';
import { deviceWords } from '../../words.js';
import { beside, type Sides } from './sides.js';

/** Expert transfers by layer and expert, as a heatmap; several runs share a colour scale. */
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
      const text = tenthText(loads!);
      return { about: text, content: html`${heatLegend(scale)}${heatPicture({ loads: loads!, ...scale }, text, `${source}.loads`)}` };
    }
    const pictures = beside(sides, ({ label, result, word }) => {
      const counts = result.details!.loads;
      return heatPicture({ loads: counts, ...scale }, `${label}: ${formatCount(sum(counts.flat()))} loads.`, `${source}.${word}.loads`);
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

/** Intensity levels of a heatmap; ours. */
const LEVELS = 12;
/** Intensity of the median, 0 to 1; ours. Expert counts have long tails: on a linear scale, few would hide the rest. */
const MIDDLE = 0.4;
const largest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 0);

interface Heat {
  /** `[layers][experts]` counts. */
  readonly loads: readonly (readonly number[])[];
  /** Count of the darkest colour, shared by side-by-side heatmaps. */
  readonly most: number;
  readonly gamma: number;
}

/** Common scale of several heatmaps. */
export function heatScale(all: readonly Heat['loads'][]): { readonly most: number; readonly gamma: number; readonly median: number } {
  const counts = all
    .flat(2)
    .filter((count) => count > 0)
    .sort((a, b) => a - b);
  const most = largest(counts);
  const median = counts[Math.floor(counts.length / 2)] ?? 0;
  const exact = Math.log(MIDDLE) / Math.log(median / most);
  return { most, median, gamma: Number.isFinite(exact) ? Math.min(1, Math.max(0.25, exact)) : 1 };
}

/** With axes. @param source key of the counts in the page's data, for `client/heatmap.js` */
function heatPicture({ loads, most, gamma }: Heat, label: string, source: string): Markup {
  const experts = largest(loads.map((row) => row.length));
  return plot(
    {
      label,
      height: Math.min(480, Math.max(160, loads.length * 7)),
      x: roundTicks(experts, 8, (value) => String(Math.round(value))).filter(({ at }) => at < 1),
      y: layerTicks(loads.length).map(({ at, label }) => ({ at: 1 - at, label })),
      xTitle: 'expert',
      yTitle: 'MoE layer',
    },
    null,
    html`${cells(loads, (count) => level(count, most, gamma))}<output class="tip" data-heat="${source}" hidden></output>`,
  );
}

function heatLegend({ most, median }: { readonly most: number; readonly median: number }): Markup {
  return html`<div class="scale" aria-hidden="true"><span>0</span><i></i><span>${formatCount(most)} loads; the median of those loaded at all is ${formatCount(median)}</span></div>`;
}

/** SVG cells: equal neighbours share a rectangle, equal intensities a path. */
function cells(rows: Heat['loads'], levelOf: (count: number) => number): Markup {
  const width = Math.max(1, largest(rows.map((row) => row.length)));
  const paths = new Array<string>(LEVELS + 1).fill('');
  for (const [y, row] of rows.entries()) {
    for (let x = 0; x < row.length; ) {
      const level = levelOf(row[x]!);
      let end = x + 1;
      while (end < row.length && levelOf(row[end]!) === level) end++;
      if (level > 0) paths[level] += `M${x} ${y}h${end - x}v1h-${end - x}z`;
      x = end;
    }
  }
  return html`<svg class="heat" viewBox="0 0 ${width} ${Math.max(1, rows.length)}" preserveAspectRatio="none" shape-rendering="crispEdges" aria-hidden="true">${paths.map(
    (path, level) => path !== '' && html`<path d="${path}" fill-opacity="${(level / LEVELS).toFixed(2)}"/>`,
  )}</svg>`;
}

function level(count: number, most: number, gamma: number): number {
  return count <= 0 || most <= 0 ? 0 : Math.max(1, Math.round((count / most) ** gamma * LEVELS));
}

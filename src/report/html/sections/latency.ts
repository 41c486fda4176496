import { ownValue } from '../../../base/objects.js';
import { formatNs } from '../../../base/units.js';
import type { Details } from '../../../result/details.js';
import type { Result } from '../../../result/result.js';
import { gridTable } from '../../document/page.js';
import { formatRelative } from '../../format.js';
import { SHARE_TICKS, spanAxis } from '../../page/axis.js';
import { curves, dot, plot } from '../../page/chart.js';
import { html, type Markup, type Piece } from '../../page/markup.js';
import { legend, type Section, table } from '../../page/pieces.js';
import { LATENCY_ROWS } from '../../summary/grids.js';
import { summarizeResult } from '../../summary/summary.js';
import type { Sides } from './sides.js';

/** Key, title, and unit of a sample, in reading order. */
const LATENCIES = [
  ['ttft', 'Time to first token', 'requests'],
  ['tpot', 'Time per output token', 'requests'],
  ['itl', 'Between two tokens', 'tokens'],
  ['pass', 'One pass', 'passes'],
] as const;

/** Cumulative distribution: latency in ns, and share of samples up to the latency, 0 to 1. */
type Distribution = readonly (readonly [ns: number, share: number])[];

/** Distribution of a latency: steps for few samples, else a line through 101 percentiles; null: not measured. */
export function distributionOf(details: Details | undefined, name: string): Distribution | null {
  const samples = details?.samples && ownValue(details.samples, name);
  if (samples !== undefined) {
    return samples.flatMap((ns, k): [number, number][] => [
      [ns, k / samples.length],
      [ns, (k + 1) / samples.length],
    ]);
  }
  return (details && ownValue(details.latency, name))?.map((ns, k): [number, number] => [ns, k / 100]) ?? null;
}

function latencyPlot(
  label: string,
  what: string,
  lines: readonly { readonly color: string; readonly points: Distribution; readonly dashed?: boolean }[],
  marks: readonly (readonly [share: number, word: string])[] = [],
): Piece {
  const all = lines.flatMap(({ points }) => points.map(([ns]) => ns));
  const axis = spanAxis(Math.min(...all), Math.max(...all), 4, formatNs);
  const [first] = lines;
  return plot(
    { label, height: 150, x: axis.ticks, y: SHARE_TICKS, xTitle: 'no longer than', yTitle: `share of ${what}` },
    curves(lines.map((line) => ({ ...line, points: line.points.map(([ns, share]) => [axis.at(ns), share]) }))),
    marks.map(([share, word]) => {
      const [ns] = first!.points.find((point) => point[1] >= share) ?? first!.points.at(-1)!;
      return dot(axis.at(ns), share, word, first!.color);
    }),
  );
}

/** Latency percentiles and cumulative curves; for two runs, with changes. */
export const latencySection: Section<Sides> = {
  id: 'latency',
  title: 'Latency',
  draw(sides) {
    const content = sides.length === 1 ? ofOne(sides[0].result) : ofTwo(sides);
    return content === null ? null : { about: null, content };
  },
};

/** Shares marked on the curve of many samples. */
const MARKS = [
  [0.5, 'p50'],
  [0.95, 'p95'],
] as const;

function ofOne(result: Result): Markup | null {
  const { latency } = summarizeResult(result);
  if (latency === null) return null;
  const pictures = LATENCIES.map(([name, title, what]) => {
    const points = distributionOf(result.details, name);
    if (points === null || points[0]![0] === points.at(-1)![0]) return null;
    const few = result.details!.samples?.[name];
    const lines = [{ color: 'accent', points }];
    if (few !== undefined) {
      const text = `${title}: ${few.length} ${what}, from ${formatNs(few[0]!)} to ${formatNs(few.at(-1)!)}`;
      return html`<figure><figcaption>${`${title}, ${few.length} ${what}`}</figcaption>${latencyPlot(text, what, lines)}</figure>`;
    }
    const [half, most, all] = [50, 95, 100].map((percent) => formatNs(result.details!.latency[name]![percent]!));
    const text = `${title}: half within ${half}, 95 % within ${most}, all within ${all}`;
    return html`<figure><figcaption>${title}</figcaption>${latencyPlot(text, what, lines, MARKS)}</figure>`;
  });
  return html`${gridTable('Percentiles', latency)}<div class="multiples">${pictures}</div>`;
}

const FIGURES = ['mean', 'p50', 'p99'] as const;

function ofTwo(sides: Sides): Markup | null {
  const [before, after] = sides.map(({ result }) => result.metrics);
  const rows = LATENCY_ROWS.filter(([, name]) => before![`${name}.mean`] !== undefined && after![`${name}.mean`] !== undefined).map(
    ([word, name]) => [
      word,
      ...FIGURES.flatMap((percentile) => {
        const [base, candidate] = [before![`${name}.${percentile}`]?.value ?? 0, after![`${name}.${percentile}`]?.value ?? 0];
        return [formatNs(base), formatNs(candidate), base === 0 ? '' : formatRelative((candidate - base) / base)];
      }),
    ],
  );
  if (rows.length === 0) return null;
  const pictures = LATENCIES.map(([name, title, what]) => {
    const lines = sides.flatMap(({ color, result }) => {
      const points = distributionOf(result.details, name);
      return points === null ? [] : [{ color, points, dashed: color === 'base' }];
    });
    const label = `${title}: distributions of both runs`;
    return lines.length === 2 && html`<figure><figcaption>${title}</figcaption>${latencyPlot(label, what, lines)}</figure>`;
  });
  const head = FIGURES.flatMap((percentile) => [`${percentile} base`, 'candidate', 'change']);
  return html`${table('Means and percentiles', ['latency', ...head], rows)}${
    pictures.some((picture) => picture !== false) &&
    html`${legend(sides.map(({ color, label }) => [color, label]))}<div class="multiples">${pictures}</div>`
  }`;
}

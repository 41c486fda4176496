// Distributions of latencies: usual percentiles, and cumulative curves.
import { formatNs } from '../../../base/units.js';
import type { Details } from '../../../result/details.js';
import type { Result } from '../../../result/result.js';
import { readable } from '../../document/document.js';
import { SHARE_TICKS, spanAxis } from '../../page/axis.js';
import { curves, dot, plot } from '../../page/chart.js';
import { html, type Piece } from '../../page/markup.js';
import { type Section, table } from '../../page/pieces.js';
import { summarizeResult } from '../../summary/summary.js';

/** Latencies in the order of a reader's questions: key, title, and unit of one sample. */
export const LATENCIES = [
  ['ttft', 'Time to first token', 'requests'],
  ['tpot', 'Time per output token', 'requests'],
  ['itl', 'Between two tokens', 'tokens'],
  ['pass', 'One pass', 'passes'],
] as const;

/** A cumulative distribution: latency in ns, and the share of samples that take no longer, 0..1. */
type Distribution = readonly (readonly [ns: number, share: number])[];

/**
 * Distribution of a latency: a step function of the samples if they are few, since a line between them would suggest values that were not
 * measured; else a line through 101 percentiles. Null if nothing was measured.
 */
export function distributionOf(details: Details | undefined, name: string): Distribution | null {
  const samples = details?.samples?.[name];
  if (samples !== undefined) {
    return samples.flatMap((ns, k): [number, number][] => [
      [ns, k / samples.length],
      [ns, (k + 1) / samples.length],
    ]);
  }
  return details?.latency[name]?.map((ns, k): [number, number] => [ns, k / 100]) ?? null;
}

/** A curve for each distribution, on one axis, with the median and 95th percentile of the first. */
export function latencyPlot(
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

/** Latencies. */
export const latencySection: Section<Result> = {
  id: 'latency',
  title: 'Latency',
  draw(result) {
    const { latency } = summarizeResult(result);
    if (latency === null) return null;
    const { head, rows } = readable(latency, 'markdown', true);
    const pictures = LATENCIES.map(([name, title, what]) => {
      const points = distributionOf(result.details, name);
      if (points === null || points[0]![0] === points.at(-1)![0]) return null;
      const percentiles = result.details!.latency[name]!;
      const few = result.details!.samples?.[name];
      const said =
        few === undefined
          ? `${title}: half within ${formatNs(percentiles[50]!)}, 95 % within ${formatNs(percentiles[95]!)}, all within ${formatNs(percentiles[100]!)}`
          : `${title}: ${few.length} ${what}, from ${formatNs(few[0]!)} to ${formatNs(few.at(-1)!)}`;
      const marks =
        few === undefined
          ? ([
              [0.5, 'p50'],
              [0.95, 'p95'],
            ] as const)
          : [];
      const caption = few === undefined ? title : `${title}, ${few.length} ${what}`;
      return html`<figure><figcaption>${caption}</figcaption>${latencyPlot(said, what, [{ color: 'accent', points }], marks)}</figure>`;
    });
    return { about: null, content: html`${table('Percentiles', head, rows)}<div class="multiples">${pictures}</div>` };
  },
};

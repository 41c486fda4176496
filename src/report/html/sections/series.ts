import { sum } from '../../../base/statistics.js';
import { formatNs, formatRatio } from '../../../base/units.js';
import type { Result } from '../../../result/result.js';
import { roundTicks, SHARE_TICKS } from '../../page/axis.js';
import { columns, curves, plot } from '../../page/chart.js';
import { html } from '../../page/markup.js';
import { legend, type Section } from '../../page/pieces.js';
import { deviceWords } from '../../words.js';

/** Most points of a series; ours. */
const COLUMNS = 200;

/** Means of neighbours, at most {@link COLUMNS}. */
function thinned(values: readonly number[]): number[] {
  const step = Math.ceil(values.length / COLUMNS);
  return Array.from({ length: Math.ceil(values.length / step) }, (_, k) => {
    const part = values.slice(k * step, (k + 1) * step);
    return sum(part) / part.length;
  });
}

/** Link utilization by purpose, hit rate and stall over simulated time. A script adds zoom. */
export const seriesSection: Section<Result> = {
  id: 'links',
  title: 'Over time',
  draw({ details, inputs }) {
    if (details === undefined) return null;
    const { binNs, hits, late, misses, stallNs, links } = details.series;
    const spanNs = binNs * hits.length;
    const frame = { height: 150, x: roundTicks(spanNs, 6, formatNs), y: SHARE_TICKS, xTitle: 'simulated time' };
    const pictures = links.map(({ name, lanes, demandNs, prefetchNs }, index) => {
      const busy = sum(demandNs) + sum(prefetchNs);
      if (busy === 0) return null;
      const ahead = sum(prefetchNs);
      const text = `The link ${name} is busy during ${formatRatio(busy / (spanNs * lanes))} of the run${ahead > 0 ? `, ${formatRatio(ahead / (spanNs * lanes))} with prefetches` : ''}`;
      const share = (values: readonly number[]): number[] => thinned(values.map((ns) => Math.min(1, ns / binNs / lanes)));
      return html`<h3>${text}</h3>${plot(
        { ...frame, label: text, yTitle: 'occupancy', live: `link ${index}` },
        columns([share(demandNs), share(prefetchNs)], ['miss', 'late'], 0),
      )}`;
    });
    const line = (values: readonly number[]): [number, number][] => values.map((value, k) => [(k + 0.5) / values.length, value]);
    const demanded = thinned(hits.map((count, bin) => count + late[bin]! + misses[bin]!));
    const rates = line(thinned(hits)).flatMap(([at, hit], k): [number, number][] => (demanded[k]! > 0 ? [[at, hit / demanded[k]!]] : []));
    const { processor } = deviceWords({ inputs });
    const text = `Hit rate over time, and the share of time in which the ${processor} waits`;
    return {
      about: 'How busy the links are, and with what.',
      content: html`${
        pictures.some((picture) => picture !== null) &&
        legend([
          ['miss', `on demand: the ${processor} waits for it`],
          ['late', 'prefetch'],
        ])
      }${pictures}<h3>${text}</h3>${legend([
        ['hit', 'hit rate'],
        ['stall', 'waiting'],
      ])}${plot(
        { ...frame, label: text, yTitle: 'share', live: 'rates' },
        curves([
          { color: 'stall', points: line(thinned(stallNs.map((ns) => Math.min(1, ns / binNs)))) },
          { color: 'hit', points: rates },
        ]),
      )}`,
    };
  },
};

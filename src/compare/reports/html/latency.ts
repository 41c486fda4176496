// Latencies of both runs: means and percentiles with their changes, and their distributions on top of each other.
import { formatNs } from '../../../base/units.js';
import { formatRelative } from '../../../report/format.js';
import { distributionOf, LATENCIES, latencyPlot } from '../../../report/html/sections/latency.js';
import { html } from '../../../report/page/markup.js';
import { legend, type Section, table } from '../../../report/page/pieces.js';
import { LATENCY_ROWS } from '../../../report/summary/grids.js';
import type { Comparison } from '../../compare.js';
import { sidesOf } from './sides.js';

const FIGURES = ['mean', 'p50', 'p99'] as const;

/** Latency. */
export const latencyCompared: Section<Comparison> = {
  id: 'latency',
  title: 'Latency',
  draw(comparison) {
    const sides = sidesOf(comparison);
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
    return {
      about: null,
      content: html`${table('Means and percentiles', ['latency', ...head], rows)}${
        pictures.some((picture) => picture !== false) &&
        html`${legend(sides.map(({ color, label }) => [color, label]))}<div class="multiples">${pictures}</div>`
      }`,
    };
  },
};

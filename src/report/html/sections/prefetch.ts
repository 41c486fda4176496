import { sum } from '../../../base/statistics.js';
import { formatCount } from '../../../base/units.js';
import { metricValue } from '../../../result/catalogue.js';
import type { Result } from '../../../result/result.js';
import { formatMetric } from '../../format.js';
import { html, type Markup } from '../../page/markup.js';
import { legend, type Section, shareBar } from '../../page/pieces.js';
import { beside, type Sides } from './sides.js';

/** Fates of a prefetch (L8): colour, metric, words. */
const OUTCOMES = [
  ['hit', 'prefetch.useful', 'useful: there in time'],
  ['late', 'prefetch.late', 'late: under way when asked for'],
  ['miss', 'prefetch.wasted', 'wasted: left without being asked for'],
  ['idle', 'prefetch.pending', 'still there at the end, never asked for'],
] as const;

const FIGURES = [
  ['prefetch.precision', 'precision: used, of those whose fate is known'],
  ['prefetch.recall', 'recall: prefetched, of what had to be brought'],
  ['prefetch.wasted_bytes', 'moved for nothing'],
  ['prefetch.stall_avoided', 'waiting avoided, against loading on demand'],
  ['predict.recall_at_k', 'of an event’s demand, among as many best predicted'],
] as const;

function fateBar({ metrics }: Result): Markup | null {
  const outcomes = OUTCOMES.map(([color, name, word]) => ({ color, word, count: metricValue({ metrics }, name) ?? 0 }));
  const total = sum(outcomes.map(({ count }) => count));
  if (total === 0) return null;
  return html`${shareBar(
    outcomes.map(({ word, count }) => `${formatCount(count)} ${word}`).join(', '),
    outcomes.map(({ color, count }) => ({ color, share: count / total })),
  )}${legend(outcomes.map(({ color, word, count }) => [color, `${formatCount(count)} ${word}`]))}`;
}

/** Fates of prefetch transfers. */
export const prefetchSection: Section<Sides> = {
  id: 'prefetch',
  title: 'Prefetches',
  draw(sides) {
    if (sides.every(({ result }) => fateBar(result) === null)) return null;
    if (sides.length > 1) {
      return {
        about: null,
        content: beside(sides, ({ result }) => fateBar(result) ?? html`<p class="about">This run prefetches nothing.</p>`),
      };
    }
    const { metrics } = sides[0].result;
    return {
      about: `${formatCount(metricValue({ metrics }, 'transfer.prefetch.count') ?? 0)} transfers were started ahead of demand.`,
      content: html`${fateBar(sides[0].result)}<dl class="parts">${FIGURES.map(([name, words]) => {
        const metric = metrics[name];
        return metric !== undefined && html`<div><dt>${words}</dt><dd><b>${formatMetric(metric)}</b></dd></div>`;
      })}</dl>`,
    };
  },
};

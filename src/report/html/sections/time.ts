// Where a token's time goes, and how much of what could be gained is.
import { formatCount, formatNs, formatRatio } from '../../../base/units.js';
import type { Result } from '../../../result/result.js';
import { tokensRun } from '../../../result/work-done.js';
import { summarizeResult, type TimePart } from '../../summary.js';
import { html } from '../markup.js';
import { prose, type Section, shareBar } from '../pieces.js';

/** Colour and words of a part of the time. */
export const TIME_LOOKS: Readonly<Record<TimePart['label'], { readonly color: string; readonly word: string }>> = {
  dense: { color: 'dense', word: 'attention and dense layers' },
  experts: { color: 'experts', word: 'experts' },
  stall: { color: 'stall', word: 'waiting for experts' },
  'all-to-all': { color: 'late', word: 'activations between GPUs' },
  idle: { color: 'idle', word: 'no request' },
};

/** Where a token's time goes. */
export const timeSection: Section<Result> = {
  id: 'time',
  title: 'Where a token’s time goes',
  draw(result) {
    const { time, bounds } = summarizeResult(result);
    if (time === null) return null;
    const tokens = Math.max(1, tokensRun(result));
    const parts = time.parts.filter(({ ns }) => ns > 0).map((part) => ({ ...part, ...TIME_LOOKS[part.label] }));
    const said = parts.map(({ word, share }) => `${word} ${formatRatio(share)}`).join(', ');
    return {
      about: html`${formatNs(time.totalNs / tokens)} for each of ${formatCount(tokens)} tokens, ${formatNs(time.totalNs)} in all. ${time.cpu}`,
      content: html`${shareBar(said, parts)}<dl class="parts">${parts.map(
        ({ color, word, ns, share }) =>
          html`<div><dt><i style="background:var(--${color})"></i>${word}</dt><dd><b>${formatRatio(share)}</b> ${formatNs(ns / tokens)} a token</dd></div>`,
      )}</dl>${
        bounds.length > 0 &&
        html`<div class="bounds">${bounds.map((row) => {
          const closes = `closes ${formatRatio(row.closed)} of the gap`;
          return html`<p><b>${row.label}</b> ${prose(`of ${row.own} ${closes} between no cache (${row.worst}) and ${row.bound} (${row.best}).`)}</p>${shareBar(
            `${row.label} ${closes}`,
            [{ color: 'hit', share: row.closed }],
          )}`;
        })}</div>`
      }`,
    };
  },
};

// The figures that matter most, and their changes in the colour of what they mean.

import { KEYS } from '../../../report/html/keys.js';
import { html, type Markup, type Piece } from '../../../report/html/markup.js';
import type { Comparison, Row } from '../../compare.js';
import { rowChange, valueText } from '../words.js';

/** A change in the colour of its direction. */
export function changeMark(row: Row): Piece {
  const kind = row.direction === 'missing' ? 'worse' : row.direction;
  const text = rowChange(row);
  return kind === 'better' || kind === 'worse' ? html`<span class="${kind}">${text}</span>` : text;
}

/** What changed of the figures that matter most. */
export function keyChanges({ rows }: Comparison): Markup {
  const changed = KEYS.flatMap(([label, name]) => {
    const row = rows.find(({ metric }) => metric === name);
    return row === undefined ? [] : [{ label, row }];
  });
  return html`<dl class="key">${changed.map(
    ({ label, row }) =>
      html`<div><dt>${label}</dt><dd>${valueText(row, 'candidate')}<small>${changeMark(row)}, was ${valueText(row, 'base')}</small></dd></div>`,
  )}</dl>`;
}

/** What changed, in a sentence: the time of a token and the hit rate. */
export function changeSentence({ rows, results }: Comparison): string {
  const row = (name: string): Row | undefined => rows.find(({ metric }) => metric === name);
  const name = results.candidate.metrics['latency.tpot.p50'] === undefined ? 'latency.pass.p50' : 'latency.tpot.p50';
  const what = name === 'latency.tpot.p50' ? 'A token' : 'A pass';
  const time = row(name);
  const hits = row('cache.hit_rate');
  if (rows.length === 0) return 'Nothing changed.';
  const speed =
    time === undefined || time.base === null || time.candidate === null
      ? `${what} takes as long as before`
      : `${what} takes ${valueText(time, 'candidate')} instead of ${valueText(time, 'base')} (${rowChange(time)})`;
  return hits === undefined || hits.base === null || hits.candidate === null
    ? `${speed}.`
    : `${speed}; the hit rate goes from ${valueText(hits, 'base')} to ${valueText(hits, 'candidate')} (${rowChange(hits)}).`;
}

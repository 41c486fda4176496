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

/** Changes of the figures that matter most. */
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

/** The change in a sentence: how long a token takes on average, how long the first one, and the hit rate. */
export function changeSentence({ rows, results }: Comparison): string {
  if (rows.length === 0) return 'Nothing changed.';
  const changed = (name: string): Row | null => {
    const row = rows.find(({ metric }) => metric === name);
    return row === undefined || row.base === null || row.candidate === null ? null : row;
  };
  const instead = (row: Row): string => `${valueText(row, 'candidate')} instead of ${valueText(row, 'base')} (${rowChange(row)})`;
  const decodes = results.candidate.metrics['latency.tpot.mean'] !== undefined;
  const what = decodes ? 'A token' : 'A pass';
  const time = changed(decodes ? 'latency.tpot.mean' : 'latency.pass.mean');
  const first = changed('latency.ttft.mean');
  const hits = changed('cache.hit_rate');
  const parts = [
    time === null ? `${what} takes as long as before` : `${what} takes ${instead(time)} on average`,
    ...(first === null ? [] : [`the first one of an answer ${instead(first)}`]),
    ...(hits === null ? [] : [`the hit rate goes from ${valueText(hits, 'base')} to ${valueText(hits, 'candidate')} (${rowChange(hits)})`]),
  ];
  return `${parts.join('; ')}.`;
}

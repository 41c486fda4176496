// The figures that matter most, and their changes in the colour of what they mean.
import { html, KEYS, type Markup, type Piece } from '../../../report/door.js';
import type { Comparison, Row } from '../../compare.js';
import { rowChange, valueText } from '../../words.js';

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

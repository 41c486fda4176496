// Every metric that changed, worst first.

import { formatCounted } from '../../../base/units.js';
import { html, type Markup, type Section, table } from '../../../report/door.js';
import type { Comparison, Row } from '../../compare.js';
import { directionText, ROWS, unchangedText, valueText } from '../../words.js';
import { changeMark } from './figures.js';

const WORDS: Readonly<Record<Row['verdict'], string>> = { fail: 'FAIL', warn: 'WARN', pass: 'within budget', off: 'off', none: '' };

function grid(caption: string, rows: readonly Row[]): Markup {
  return table(
    caption,
    ['metric', 'base', 'candidate', 'change', 'direction', 'budget'],
    rows.map((row) => [
      row.metric,
      valueText(row, 'base'),
      valueText(row, 'candidate'),
      changeMark(row),
      directionText(row),
      row.verdict === 'fail' ? html`<b class="worse">FAIL</b>` : WORDS[row.verdict],
    ]),
    [0, 4, 5],
  );
}

/** Changed metrics. */
export const changesCompared: Section<Comparison> = {
  id: 'changes',
  title: 'What changed, worst first',
  draw(comparison) {
    const { rows } = comparison;
    const more = rows.slice(ROWS);
    return {
      about: unchangedText(comparison),
      content: html`${rows.length > 0 && grid('Changed metrics', rows.slice(0, ROWS))}${
        more.length > 0 &&
        html`<details><summary>${formatCounted(more.length, 'more changed metric')}</summary>${grid('More changed metrics', more)}</details>`
      }`,
    };
  },
};

import { formatCounted } from '../../base/units.js';
import { html, KEYS, type Markup, type Piece, type Section, type Sides, sidedSections, table } from '../../report/door.js';
import type { Budget } from '../../result/budget.js';
import type { Comparison, Row } from '../compare.js';
import { causeLines, directionText, explanationLines, isJudged, ROWS, rowChange, unchangedText, valueText, verdictText } from '../words.js';

/** Fault as a list item. */
export function faultItem(level: 'error' | 'warn', subject: string, message: string, budget: Budget | null): Markup {
  const place = budget?.place ?? '';
  return html`<li class="${level}"><b>${level === 'error' ? 'FAIL' : 'WARN'}</b> <b>${subject}</b> ${message}${place !== '' && html` <span class="soft">(${place})</span>`}</li>`;
}

const budgetsCompared: Section<Comparison> = {
  id: 'budgets',
  title: 'Budgets',
  draw(comparison) {
    const { findings, rows, held } = comparison;
    const off = rows.filter(({ verdict }) => verdict === 'off');
    const holding = [...rows.filter(({ verdict }) => verdict === 'pass').map(({ metric }) => metric), ...held];
    if (!isJudged(comparison))
      return { about: html`${verdictText(comparison)} <code>--fail-on</code> and <code>--budgets</code> give some.`, content: null };
    return {
      about: verdictText(comparison),
      content: html`${
        findings.length > 0 &&
        html`<ul class="faults">${findings.map(({ level, metric, message, budget }) => faultItem(level, metric, message, budget))}</ul>`
      }${
        holding.length > 0 &&
        html`<details><summary>${holding.length === 1 ? '1 metric is' : `${holding.length} metrics are`} within budget</summary><ul>${holding.map((metric) => html`<li>${metric}</li>`)}</ul></details>`
      }${
        off.length > 0 &&
        html`<ul class="faults">${off.map(({ metric, reason }) => html`<li><b>OFF</b> <b>${metric}</b> is not looked at: ${reason ?? 'a budget says so'}</li>`)}</ul>`
      }`,
    };
  },
};

/** Change in the colour of its direction. */
export function changeMark(row: Row): Piece {
  const kind = row.direction === 'missing' ? 'worse' : row.direction;
  const text = rowChange(row);
  return kind === 'better' || kind === 'worse' ? html`<span class="${kind}">${text}</span>` : text;
}

/** Changes of key figures. */
export const keyChanges = ({ rows }: Comparison): Markup =>
  html`<dl class="key">${KEYS.map(([label, name]) => {
    const row = rows.find(({ metric }) => metric === name);
    return (
      row !== undefined &&
      html`<div><dt>${label}</dt><dd>${valueText(row, 'candidate')}<small>${changeMark(row)}, was ${valueText(row, 'base')}</small></dd></div>`
    );
  })}</dl>`;

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

const changesCompared: Section<Comparison> = {
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

const causesCompared: Section<Comparison> = {
  id: 'causes',
  title: 'What carries the change',
  draw({ explained, explanation }) {
    return explained && explanation !== null ? { about: null, content: causeList(explanationLines(explanation)) } : null;
  },
};

/** Largest causes, in at most three lines, or null. */
export function largestCauses(comparison: Comparison): Piece {
  const lines = causeLines(comparison);
  return lines.length > 0 && causeList(lines);
}

function causeList(lines: readonly (readonly [label: string, text: string])[]): Piece {
  const groups: { label: string; texts: string[] }[] = [];
  for (const [label, text] of lines) {
    if (label === '') groups.at(-1)!.texts.push(text);
    else groups.push({ label, texts: [text] });
  }
  return html`<dl class="causes">${groups.map(
    ({ label, texts }) => html`<div><dt>${label}</dt>${texts.map((text) => html`<dd>${text}</dd>`)}</div>`,
  )}</dl>`;
}

const setupCompared: Section<Comparison> = {
  id: 'setup',
  title: 'What was set differently',
  draw({ inputs, config }) {
    const rows = [...inputs.map((entry) => ({ ...entry, what: 'input' })), ...config.map((entry) => ({ ...entry, what: 'configuration' }))];
    if (rows.length === 0) return null;
    const cells = rows.map(({ path, what, base, candidate }) => [path, what, base, candidate]);
    return {
      about: inputs.length > 0 ? 'Inputs differ: figures of the two runs are of different work.' : null,
      content: table('Differences', ['path', 'of', 'base', 'candidate'], cells, [0, 1, 2, 3]),
    };
  },
};

/** Sections of a single run come with its report. */
export const comparedSections: readonly Section<Comparison>[] = [
  budgetsCompared,
  changesCompared,
  causesCompared,
  setupCompared,
  compared(sidedSections.time),
  compared({ ...sidedSections.layers, title: 'By layer' }),
  compared(sidedSections.latency),
  compared(sidedSections.capacity),
  compared(sidedSections.loads),
  compared(sidedSections.prefetch),
  compared({ ...sidedSections.provenance, title: 'Warnings, configuration, provenance' }),
];

function compared({ draw, ...section }: Section<Sides>): Section<Comparison> {
  return {
    ...section,
    draw: ({ base, candidate, results }, source) =>
      draw(
        [
          { label: base, word: 'base', color: 'base', result: results.base },
          { label: candidate, word: 'candidate', color: 'accent', result: results.candidate },
        ],
        source,
      ),
  };
}

import { formatCounted } from '../../base/units.js';
import { type Block, clip, type Document, type Grid, grid, gridOf, type Line, type Tone } from '../../report/door.js';
import type { Comparison, Row } from '../compare.js';
import type { Difference } from '../difference.js';
import type { Gate } from '../gate.js';
import {
  causeLines,
  changeSentence,
  directionText,
  explanationLines,
  gateText,
  isJudged,
  isQuiet,
  knowledgeWarning,
  ROWS,
  rowChange,
  savedText,
  unchangedText,
  valueText,
  verdictText,
} from '../words.js';
import { subjectOf } from './faults.js';

/** Visible extent of a gate. */
export interface GateView {
  /** A page of Markdown; else a terminal. */
  readonly page: boolean;
  readonly rows: number;
  /** Most comparisons; a page starts with the worst. */
  readonly comparisons: number;
}

/** Limits of a page: faults and settings of a list; characters of a cell. Ours. */
const FAULTS = 20;
const SETTINGS = 50;
const CELL = 200;

const MARKS: Readonly<Record<Row['verdict'], { readonly sign: string; readonly tone: Tone; readonly picture: string }>> = {
  fail: { sign: '✗', tone: 'bad', picture: '❌' },
  warn: { sign: '!', tone: 'caution', picture: '⚠️' },
  pass: { sign: '✓', tone: 'good', picture: '✅' },
  off: { sign: '-', tone: 'dim', picture: '➖' },
  none: { sign: ' ', tone: 'plain', picture: '' },
};

const TONES: Readonly<Record<Row['direction'], Tone>> = {
  better: 'good',
  worse: 'bad',
  missing: 'bad',
  new: 'info',
  neutral: 'plain',
  unclear: 'dim',
};

/** Document of a gate: the verdict, then each comparison with its worst rows. A page folds minor parts. */
export function gateDocument(gate: Gate, view: GateView): Document {
  const { added, comparisons, faults, passed } = gate;
  const { page } = view;
  const conclusion = gateText(gate);
  const shown = shownOf(gate, page);
  const gone = comparisons.length - shown.length;
  const left = shown.length - view.comparisons;
  const mark = MARKS[passed ? 'pass' : 'fail'];
  const scenarios = [
    ...added.map(({ candidate, scenario }): Line => ({ label: scenario, text: `is new in ${candidate}: it has no base yet`, tone: 'new' })),
    ...faults.map((fault) => faultLine(fault.level, subjectOf(fault), fault.message, fault.budget?.place)),
  ];
  const blocks: Block[] = [
    lines(
      conclusion !== null && (page ? { text: `${mark.picture} ${conclusion}`, tone: 'strong' } : { text: conclusion, tone: mark.tone }),
    ),
    lines(...(page ? atMost(scenarios, FAULTS, 'faults', page) : scenarios)),
    lines(page && gone > 0 && { text: `${formatCounted(gone, 'comparison')} ${gone === 1 ? 'has' : 'have'} no difference.` }),
  ];
  for (const [index, comparison] of shown.slice(0, view.comparisons).entries()) {
    const { base, candidate, unchanged } = comparison;
    const quiet: Line = { text: `${base} → ${candidate}: no difference in ${unchanged} metrics.`, tone: 'good', cut: true };
    if (shown.length === 1 || !isQuiet(comparison)) blocks.push(...comparisonBlocks(comparison, view));
    else if (index > 0 && isQuiet(shown[index - 1]!)) blocks.push(joined(blocks.pop()!, quiet));
    else blocks.push(lines(quiet));
  }
  if (left > 0) blocks.push(lines({ text: `${formatCounted(left, 'more comparison')} did not fit here; see the JSON report.` }));
  const saved = savedText(gate);
  if (saved !== null) blocks.push(joined(blocks.pop()!, { text: saved, tone: 'dim' }));
  return { blocks };
}

/** Comparisons in display order: a page begins with the worst and omits the unchanged. */
function shownOf({ comparisons }: Gate, page: boolean): readonly Comparison[] {
  if (!page || comparisons.length === 1) return comparisons;
  const weight = ({ findings, passed, rows }: Comparison): number =>
    (passed ? 0 : 1e9) + findings.length * 1e4 + rows.filter(({ direction }) => direction === 'worse').length;
  return comparisons.filter((comparison) => !isQuiet(comparison)).sort((a, b) => weight(b) - weight(a));
}

const lines = (...all: readonly (Line | false)[]): Block => ({ kind: 'lines', lines: all.filter((line) => line !== false) });

const joined = (block: Block, line: Line): Block => (block.kind === 'lines' ? lines(...block.lines, line) : block);

function faultLine(level: 'error' | 'warn', subject: string, message: string, place: string | undefined): Line {
  return { label: subject, text: `${message}${place === undefined ? '' : ` (${place})`}`, tone: level === 'error' ? 'fail' : 'warn' };
}

function atMost(all: readonly Line[], most: number, what: string, page: boolean): readonly Line[] {
  if (all.length <= most) return all;
  const more = `and ${all.length - most} more ${what}`;
  return [...all.slice(0, most), page ? { text: more, tone: 'item' } : { text: `${more}: --all`, tone: 'dim' }];
}

function comparisonBlocks(comparison: Comparison, { page, rows: most }: GateView): Block[] {
  const { config, explained, explanation, inputs, rows } = comparison;
  const whole = explained && explanation !== null;
  const causes = whole ? explanationLines(explanation) : causeLines(comparison);
  const why = causes.map(([label, text]): Line => ({ label, text, tone: 'item', indent: 10 }));
  const head = headLines(comparison, page, most);
  const last: Line = { text: unchangedText(comparison), tone: 'dim' };
  if (page)
    return [
      lines(...head, why.length > 0 && { text: 'What carries the change:' }, ...why),
      ...pageRows(rows, most),
      setUp(inputs, config),
      lines(last),
    ];
  const settings = config.map((entry) => settingLine('config', entry));
  return [
    lines(...head, ...(whole ? [] : why)),
    rowGrid(rows.slice(0, most), page),
    lines(...(whole ? [{ text: 'what carries the change', tone: 'strong' as const }, ...why] : [])),
    lines(
      rows.length > most && { text: `and ${formatCounted(rows.length - most, 'more changed metric')}: --all`, tone: 'dim' },
      last,
      ...atMost(settings, most, 'settings differ', page),
    ),
  ];
}

function headLines(comparison: Comparison, page: boolean, most: number): (Line | false)[] {
  const { base, candidate, findings, inputs, passed, rows } = comparison;
  const mark = MARKS[!isJudged(comparison) ? 'off' : passed ? 'pass' : 'fail'];
  const verdict = verdictText(comparison);
  const title = `${base} → ${candidate}`;
  const knows = knowledgeWarning(comparison);
  const faults = findings.map(({ budget, level, message, metric }) => faultLine(level, metric, message, budget?.place));
  const unlike = inputs.map((entry): Line => ({ ...settingLine('input', entry), tone: 'caution' }));
  return [
    page ? { text: `${mark.picture} ${title}: ${verdict}`, tone: 'heading' } : { text: title, tone: 'strong', hang: 2 },
    !page && { text: verdict, tone: mark.tone },
    ...atMost(faults, page ? FAULTS : most, 'faults', page),
    rows.length > 0 && { text: changeSentence(comparison) },
    ...(page ? [] : atMost(unlike, most, 'inputs differ', page)),
    knows !== null && (page ? { text: `⚠️ ${knows}` } : { text: knows, tone: 'caution', hang: 2 }),
  ];
}

function settingLine(what: string, { base, candidate, path }: Difference): Line {
  return { label: `${what} ${path}`, text: `${base} → ${candidate}`, tone: 'dim', hang: 2 };
}

function setUp(inputs: readonly Difference[], config: readonly Difference[]): Grid {
  const all = [...inputs.map((entry) => ({ what: 'input', ...entry })), ...config.map((entry) => ({ what: 'config', ...entry }))];
  const cells = all
    .slice(0, SETTINGS)
    .map(({ what, path, base, candidate }) => [what, path, base, candidate].map((text) => clip(text, CELL, true)));
  const columns = ['', 'path', 'base', 'candidate'].map((head) => ({ head, align: 'left' as const }));
  return gridOf(columns, cells, { fold: `${formatCounted(all.length, 'difference')} in the set-up` });
}

function pageRows(rows: readonly Row[], most: number): Block[] {
  const open = Math.min(most, ROWS);
  const folded = rows.slice(open, most);
  const left = rows.length - open - folded.length;
  return [
    rowGrid(rows.slice(0, open), true),
    { ...rowGrid(folded, true), fold: `${folded.length} more changed metrics` },
    lines(left > 0 && { text: `${formatCounted(left, 'more changed metric')} did not fit here; see the JSON report.` }),
  ];
}

function rowGrid(rows: readonly Row[], page: boolean): Grid {
  const toned = (text: string, { direction }: Row) => ({ value: text, text, tone: TONES[direction] });
  return grid(rows, [
    { head: 'metric', most: page ? CELL : 'rest', of: ({ metric, verdict }) => ({ value: metric, text: metric, mark: MARKS[verdict] }) },
    { head: 'base', of: (row) => valueText(row, 'base') },
    { head: 'candidate', of: (row) => valueText(row, 'candidate') },
    { head: 'change', of: (row) => toned(rowChange(row), row) },
    {
      head: page ? 'direction' : '',
      align: 'left',
      of: (row) => toned(page ? `${directionText(row)} ${MARKS[row.verdict].picture}`.trim() : directionText(row), row),
    },
  ]);
}

// The comment on a pull request: the verdict and the worst first, everything else folded, and never longer than what GitHub takes.
import { formatCounted } from '../../base/units.js';
import { details, escapeMarkdown, markdownTable } from '../../report/document/markdown.js';
import type { Format } from '../../report/format.js';
import { clip } from '../../report/text.js';
import type { Comparison, Row } from '../compare.js';
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
import { type LocatedFault, subjectOf } from './faults.js';

/** Hidden first line by which a bot finds its own comment again. */
const STICKY_MARKER = '<!-- moeprof compare -->';

/** Most characters of a comment (GitHub stops at 65,536), and of a step summary (1 MiB). */
const COMMENT = 65_000;
const SUMMARY = 900_000;
/** Faults that a comparison lists, and characters of one cell or sentence. */
const FAULTS = 20;
const CELL = 200;

/** Markdown of a gate, as a sticky comment. */
export const markdownFormat: Format<Gate> = {
  name: 'markdown',
  extensions: ['.md', '.markdown'],
  render: (gate) => `${STICKY_MARKER}\n${renderMarkdown(gate, COMMENT)}`,
};

/** Markdown of a gate, as a summary of a job. */
export const summaryFormat: Format<Gate> = {
  name: 'step-summary',
  extensions: [],
  render: (gate) => renderMarkdown(gate, SUMMARY),
};

/** Blocks in the order of their weight, as many as fit: the gate's verdict, comparisons worst first, those without a difference. */
function renderMarkdown(gate: Gate, limit: number): string {
  const conclusion = gateText(gate);
  const scenarios = [
    ...listed(
      gate.faults.map((fault) => faultLine(fault.level, subjectOf(fault), fault.message, fault.budget?.place)),
      'faults',
    ),
    ...listed(
      gate.added.map(({ scenario }) => `- 🆕 **${cell(scenario)}** has no base yet`),
      'new scenarios',
    ),
  ];
  const shown = gate.comparisons.filter((comparison) => gate.comparisons.length === 1 || !isQuiet(comparison));
  const worst = shown
    .map((comparison, index) => ({ comparison, index }))
    .sort((a, b) => weight(b.comparison) - weight(a.comparison) || a.index - b.index);
  const quiet = gate.comparisons.length - shown.length;
  const head = [
    ...(conclusion === null ? [] : [`**${gate.passed ? '✅' : '❌'} ${escapeMarkdown(conclusion)}**`]),
    ...(scenarios.length === 0 ? [] : [scenarios.join('\n')]),
    ...(quiet === 0 ? [] : [`${formatCounted(quiet, 'comparison')} ${quiet === 1 ? 'has' : 'have'} no difference.`]),
  ];
  let text = head.map((block) => `${block}\n\n`).join('');
  // The rest of the room is shared evenly; a comparison that needs less leaves more to the next. Room for the last line is kept.
  const end = limit - 200;
  for (const [done, { comparison }] of worst.entries()) {
    const block = markdownOf(comparison, Math.floor((end - text.length) / (worst.length - done)));
    if (text.length + block.length + 2 > end) {
      const left = worst.length - done;
      text += `${formatCounted(left, 'more comparison')} did not fit here; see the JSON report.\n\n`;
      break;
    }
    text += `${block}\n\n`;
  }
  const saved = savedText(gate);
  return `${text}${saved === null ? '' : cell(saved)}`.trimEnd().concat('\n');
}

function weight({ passed, findings, rows }: Comparison): number {
  return (passed ? 0 : 1e9) + findings.length * 1e4 + rows.filter(({ direction }) => direction === 'worse').length;
}

/** One comparison in about `room` characters; its heading and faults always stand, rows as many as fit, worst first. */
function markdownOf(comparison: Comparison, room: number): string {
  const differences = [
    ...(comparison.inputs.map((difference) => ['input', difference]) as ['input', Comparison['inputs'][number]][]),
    ...(comparison.config.map((difference) => ['config', difference]) as ['config', Comparison['config'][number]][]),
  ].map(([what, { path, base, candidate }]) => [what, short(path), short(base), short(candidate)]);
  const setUp = details(
    `${formatCounted(differences.length, 'difference')} in the set-up`,
    markdownTable(['', 'path', 'base', 'candidate'], differences.slice(0, 50), [0, 1, 2, 3]),
  );
  const { explained, explanation } = comparison;
  const why = explained && explanation !== null ? explanationLines(explanation) : causeLines(comparison);
  const knows = knowledgeWarning(comparison);
  const mark = isJudged(comparison) ? (comparison.passed ? '✅' : '❌') : '➖';
  const fixed = [
    `### ${mark} ${cell(`${comparison.base} → ${comparison.candidate}`)}: ${escapeMarkdown(verdictText(comparison))}`,
    ...listed(
      comparison.findings.map(({ level, metric, message, budget }) => faultLine(level, metric, message, budget.place)),
      'faults',
    ),
    ...(comparison.rows.length === 0 ? [] : [escapeMarkdown(changeSentence(comparison))]),
    ...(knows === null ? [] : [`⚠️ ${cell(knows)}`]),
    ...(why.length === 0
      ? []
      : [`What carries the change:\n\n${why.map(([label, text]) => `- ${label === '' ? '' : `**${label}**: `}${cell(text)}`).join('\n')}`]),
  ];
  const last = escapeMarkdown(unchangedText(comparison));
  const used = fixed.reduce((sum, block) => sum + block.length + 2, last.length + setUp.length + 300);
  return [...fixed, ...rowBlocks(comparison.rows, room - used), ...(differences.length === 0 ? [] : [setUp]), last].join('\n\n');
}

/** The worst rows open, the others folded, those that do not fit counted. */
function rowBlocks(rows: readonly Row[], room: number): string[] {
  if (rows.length === 0) return [];
  const marks: Record<Row['verdict'], string> = { fail: '❌', warn: '⚠️', pass: '✅', off: '➖', none: '' };
  const lines = rows.map((row) => [
    short(row.metric),
    valueText(row, 'base'),
    valueText(row, 'candidate'),
    rowChange(row),
    `${directionText(row)} ${marks[row.verdict]}`.trim(),
  ]);
  let fitting = 0;
  for (let length = 0; fitting < lines.length; fitting++) {
    length += markdownTable(lines[fitting]!, []).split('\n')[0]!.length + 1;
    if (length > room) break;
  }
  const grid = (from: number, to: number): string =>
    markdownTable(['metric', 'base', 'candidate', 'change', 'direction'], lines.slice(from, to), [0, 4]);
  const open = Math.min(fitting, ROWS);
  const dropped = lines.length - fitting;
  return [
    ...(open === 0 ? [] : [grid(0, open)]),
    ...(fitting > open ? [details(`${fitting - open} more changed metrics`, grid(open, fitting))] : []),
    ...(dropped === 0 ? [] : [`${formatCounted(dropped, 'more changed metric')} did not fit here; see the JSON report.`]),
  ];
}

/** A list as one block, its tail counted; nothing where it is empty. */
function listed(lines: readonly string[], what: string): string[] {
  if (lines.length === 0) return [];
  const more = lines.length > FAULTS ? [`- and ${lines.length - FAULTS} more ${what}`] : [];
  return [[...lines.slice(0, FAULTS), ...more].join('\n')];
}

function faultLine(level: LocatedFault['level'], subject: string, message: string, place: string | undefined): string {
  const source = place === undefined ? '' : ` (${cell(place)})`;
  return `- ${level === 'error' ? '❌' : '⚠️'} **${cell(subject)}** ${cell(message)}${source}`;
}

function short(text: string): string {
  return clip(text, CELL, true);
}

function cell(text: string): string {
  return escapeMarkdown(short(text));
}

// The comparison that people read in a terminal: what differs in the set-up first, then what changed, worst first, then what that means.
import { type Format, printable, type ReportOptions } from '../../report/format.js';
import { palette, ruledTable, shorten, widthOf, wrap } from '../../report/text.js';
import type { Comparison, Row } from '../compare.js';
import type { Difference } from '../difference.js';
import type { Explanation } from '../explain.js';
import type { Gate } from '../gate.js';
import { subjectOf } from './faults.js';
import {
  directionText,
  explanationLines,
  gateText,
  isQuiet,
  rowChange,
  savedText,
  unchangedText,
  valueText,
  verdictText,
} from './words.js';

/** Terminal table of a gate. */
export const tableFormat: Format<Gate> = {
  name: 'table',
  extensions: ['.txt'],
  render: renderTable,
};

function renderTable(gate: Gate, options: ReportOptions): string {
  const chalk = palette(options);
  const many = gate.comparisons.length > 1;
  const blocks: string[] = [];
  for (const [index, comparison] of gate.comparisons.entries()) {
    const quiet = many && isQuiet(comparison);
    const text = quiet ? quietLine(comparison, options) : tableOf(comparison, options);
    // Scenarios that did not change stand under each other, without blank lines.
    if (quiet && index > 0 && isQuiet(gate.comparisons[index - 1]!)) blocks.push(`${blocks.pop()!}\n${text}`);
    else blocks.push(text);
  }
  const notes = [
    ...gate.added.map(({ candidate, scenario }) =>
      wrap(printable(`${scenario} is new in ${candidate}: it has no base yet`), widthOf(options), 'NEW  ').replace(
        'NEW',
        chalk.cyan('NEW'),
      ),
    ),
    ...gate.faults.map((fault) => faultLine(fault.level, `${subjectOf(fault)} ${fault.message}`, fault.budget?.place, options)),
  ];
  if (notes.length > 0) blocks.push(notes.join('\n'));
  const conclusion = gateText(gate);
  if (conclusion !== null) blocks.push(gate.passed ? chalk.green(conclusion) : chalk.red(conclusion));
  const saved = savedText(gate);
  const trust = saved === null ? '' : `${chalk.dim(wrap(printable(saved), widthOf(options)))}\n`;
  return `${blocks.join('\n\n')}\n${trust}`;
}

function quietLine(comparison: Comparison, options: ReportOptions): string {
  const { base, candidate, unchanged } = comparison;
  const text = printable(`${base} ${arrowOf(options)} ${candidate}: no difference in ${unchanged} metrics.`);
  return palette(options).green(shorten(text, widthOf(options), options.unicode));
}

function arrowOf({ unicode }: ReportOptions): string {
  return unicode ? '→' : '->';
}

function tableOf(comparison: Comparison, options: ReportOptions): string {
  const chalk = palette(options);
  const width = widthOf(options);
  const arrow = arrowOf(options);
  const listed = (what: string, differences: readonly Difference[]): string[] =>
    differences.map(({ path, base, candidate }) =>
      wrap(printable(`${what} ${path}: ${base} ${arrow} ${candidate}`), width, '', '  ').replace(/^\S+ \S+/, chalk.dim('$&')),
    );
  const title = wrap(printable(`${comparison.base} ${arrow} ${comparison.candidate}`), width, '', '  ');
  const findings = comparison.findings.map(({ level, metric, message, budget }) =>
    faultLine(level, `${metric} ${message}`, budget?.place, options),
  );
  const blocks = [
    [
      ...title.split('\n').map((line) => chalk.bold(line)),
      ...listed('input', comparison.inputs).map((line) => chalk.yellow(line)),
      ...listed('config', comparison.config),
    ].join('\n'),
    ...(comparison.rows.length === 0 ? [] : [rowsTable(comparison.rows, options)]),
    ...(comparison.explanation === null ? [] : [explanationBlock(comparison.explanation, options)]),
    [chalk.dim(unchangedText(comparison)), ...findings].join('\n'),
    comparison.passed ? chalk.green(verdictText(comparison)) : chalk.red(verdictText(comparison)),
  ];
  return blocks.join('\n\n');
}

function rowsTable(rows: readonly Row[], options: ReportOptions): string {
  const chalk = palette(options);
  const marks: Record<Row['verdict'], string> = options.unicode
    ? { fail: chalk.red('✗'), warn: chalk.yellow('!'), pass: chalk.green('✓'), off: chalk.dim('-'), none: ' ' }
    : { fail: chalk.red('x'), warn: chalk.yellow('!'), pass: chalk.green('v'), off: chalk.dim('-'), none: ' ' };
  const paint: Record<Row['direction'], (text: string) => string> = {
    better: chalk.green,
    worse: chalk.red,
    missing: chalk.red,
    new: chalk.cyan,
    neutral: (text) => text,
    unclear: chalk.dim,
  };
  const cells = rows.map((row) => [valueText(row, 'base'), valueText(row, 'candidate'), rowChange(row), directionText(row)]);
  const head = ['metric', 'base', 'candidate', 'change', ''];
  const widest = (column: number): number => Math.max(head[column + 1]!.length, ...cells.map((row) => row[column]!.length));
  // Names give way where the figures need the room; two blanks before each figure.
  const room = Math.max(16, widthOf(options) - [0, 1, 2, 3].reduce((sum, column) => sum + widest(column) + 2, 0));
  return ruledTable(
    head,
    rows.map((row, index) => {
      const [base, candidate, change, direction] = cells[index]!;
      const name = shorten(printable(row.metric), room - 2, options.unicode);
      return [`${marks[row.verdict]} ${name}`, base!, candidate!, paint[row.direction](change!), paint[row.direction](direction!)];
    }),
    options,
    { align: ['left', 'right', 'right', 'right', 'left'] },
  );
}

function explanationBlock(explanation: Explanation, options: ReportOptions): string {
  const chalk = palette(options);
  const lines = explanationLines(explanation).map(([label, text]) => {
    const wrapped = wrap(text, widthOf(options), ' '.repeat(10));
    return chalk.dim(label.padEnd(10)) + wrapped.slice(10);
  });
  return [chalk.bold('what carries the change'), ...lines].join('\n');
}

/** `FAIL cache.hit_rate 83.9 % is not >= 90% (--assert)`, wrapped. */
function faultLine(level: 'error' | 'warn', text: string, place: string | undefined, options: ReportOptions): string {
  const chalk = palette(options);
  const [label, paint] = level === 'error' ? ['FAIL', chalk.red] : ['WARN', chalk.yellow];
  const source = place === undefined ? '' : ` (${place})`;
  return wrap(printable(`${text}${source}`), widthOf(options), `${label} `).replace(label, paint(label));
}

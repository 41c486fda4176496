// The comparison that people read in a terminal: the verdict and what carries the change, then what changed, worst first, then what was set
// differently.
import { formatCounted } from '../../base/units.js';
import { type Format, printable, type ReportOptions } from '../../report/format.js';
import { palette, ruledTable, shorten, widthOf, wrap } from '../../report/text.js';
import type { Comparison, Row } from '../compare.js';
import type { Difference } from '../difference.js';
import type { Explanation } from '../explain.js';
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
  const conclusion = gateText(gate);
  if (conclusion !== null) blocks.push(gate.passed ? chalk.green(conclusion) : chalk.red(conclusion));
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
  for (const [index, comparison] of gate.comparisons.entries()) {
    const quiet = many && isQuiet(comparison);
    const text = quiet ? quietLine(comparison, options) : tableOf(comparison, options);
    // Scenarios that did not change stand under each other, without blank lines.
    if (quiet && index > 0 && isQuiet(gate.comparisons[index - 1]!)) blocks.push(`${blocks.pop()!}\n${text}`);
    else blocks.push(text);
  }
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
  const { config, explained, explanation, findings, inputs, passed, rows } = comparison;
  const most = options.verbose ? Number.POSITIVE_INFINITY : ROWS;
  const listed = (what: string, differences: readonly Difference[]): string[] =>
    differences.map(({ path, base, candidate }) =>
      wrap(printable(`${what} ${path}: ${base} ${arrow} ${candidate}`), width, '', '  ').replace(/^\S+ \S+/, chalk.dim('$&')),
    );
  const knows = knowledgeWarning(comparison);
  const title = wrap(printable(`${comparison.base} ${arrow} ${comparison.candidate}`), width, '', '  ');
  const faults = findings.map(({ level, metric, message, budget }) => faultLine(level, `${metric} ${message}`, budget.place, options));
  const paintVerdict = isJudged(comparison) ? (passed ? chalk.green : chalk.red) : chalk.dim;
  const blocks = [
    [
      ...title.split('\n').map((line) => chalk.bold(line)),
      ...atMost(listed('input', inputs), most, 'inputs differ', options).map((line) => chalk.yellow(line)),
      paintVerdict(verdictText(comparison)),
      ...atMost(faults, most, 'faults', options),
      ...(rows.length === 0 ? [] : [wrap(printable(changeSentence(comparison)), width)]),
      ...(knows === null ? [] : [chalk.yellow(wrap(printable(knows), width, '', '  '))]),
      ...(explained ? [] : labelled(causeLines(comparison), options)),
    ].join('\n'),
    ...(rows.length === 0 ? [] : [rowsTable(rows.slice(0, most), options)]),
    ...(explained && explanation !== null ? [explanationBlock(explanation, options)] : []),
    [
      ...(rows.length > most ? [chalk.dim(moreText(rows.length - most, 'changed metric'))] : []),
      chalk.dim(unchangedText(comparison)),
      ...atMost(listed('config', config), most, 'settings differ', options),
    ].join('\n'),
  ];
  return blocks.join('\n\n');
}

/** The first lines, and how many are left out. */
function atMost(lines: readonly string[], most: number, what: string, options: ReportOptions): string[] {
  if (lines.length <= most) return [...lines];
  return [...lines.slice(0, most), palette(options).dim(`and ${lines.length - most} more ${what}: --all`)];
}

/** `and 68 more changed metrics: --all`. */
function moreText(count: number, what: string): string {
  return `and ${formatCounted(count, `more ${what}`)}: --all`;
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
  return [palette(options).bold('what carries the change'), ...labelled(explanationLines(explanation), options)].join('\n');
}

/** Lines with a label before each, wrapped. */
function labelled(lines: readonly (readonly [label: string, text: string])[], options: ReportOptions): string[] {
  return lines.map(([label, text]) => {
    const wrapped = wrap(text, widthOf(options), ' '.repeat(10));
    return palette(options).dim(label.padEnd(10)) + wrapped.slice(10);
  });
}

/** `FAIL cache.hit_rate 83.9 % is not >= 90% (--assert)`, wrapped. */
function faultLine(level: 'error' | 'warn', text: string, place: string | undefined, options: ReportOptions): string {
  const chalk = palette(options);
  const [label, paint] = level === 'error' ? ['FAIL', chalk.red] : ['WARN', chalk.yellow];
  const source = place === undefined ? '' : ` (${place})`;
  return wrap(printable(`${text}${source}`), widthOf(options), `${label} `).replace(label, paint(label));
}

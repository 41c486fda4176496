// How a comparison is shown: what differs in the set-up first, then what changed, worst first, then what that means for the gate.
import { type Format, formatMetric, printable, type ReportOptions } from '../report/format.js';
import { toJson } from '../report/json.js';
import { details, escapeMarkdown, markdownTable } from '../report/markdown.js';
import { palette, ruledTable, shorten, widthOf, wrap } from '../report/text.js';
import type { Comparison, Difference, Gate, Row } from './compare.js';
import { changeText, type Finding } from './judge.js';

/** Version tag of the JSON format. */
export const COMPARE_SCHEMA = 'moeprof.compare/1';

/** Hidden first line by which a bot finds its own comment again. */
export const STICKY_MARKER = '<!-- moeprof compare -->';

const table: Format<Gate> = {
  name: 'table',
  summary: 'for reading, in a terminal or a text file',
  extensions: ['.txt'],
  render: (gate, options) => `${gate.comparisons.map((comparison) => tableOf(comparison, options)).join('\n\n')}\n`,
};

const json: Format<Gate> = {
  name: 'json',
  summary: 'everything, for tools',
  extensions: ['.json'],
  render: (gate) => toJson({ schema: COMPARE_SCHEMA, ...gate }),
};

const markdown: Format<Gate> = {
  name: 'markdown',
  summary: 'for pull requests, with a marker for sticky comments',
  extensions: ['.md', '.markdown'],
  render: (gate) => `${STICKY_MARKER}\n${gate.comparisons.map(markdownOf).join('\n\n')}\n`,
};

/** Formats of a comparison, the one for reading first. */
export const compareReports: readonly Format<Gate>[] = [table, json, markdown];

function tableOf(comparison: Comparison, options: ReportOptions): string {
  const chalk = palette(options);
  const width = widthOf(options);
  const arrow = options.unicode ? '→' : '->';
  const listed = (what: string, differences: readonly Difference[]): string[] =>
    differences.map(({ path, base, candidate }) =>
      wrap(printable(`${what} ${path}: ${base} ${arrow} ${candidate}`), width, '', '  ').replace(/^\S+ \S+/, chalk.dim('$&')),
    );
  const blocks = [
    [
      chalk.bold(printable(`${comparison.base} ${arrow} ${comparison.candidate}`)),
      ...listed('input', comparison.inputs).map((line) => chalk.yellow(line)),
      ...listed('config', comparison.config),
    ].join('\n'),
    ...(comparison.rows.length === 0 ? [] : [rowsTable(comparison.rows, options)]),
    [chalk.dim(unchangedText(comparison)), ...comparison.findings.map((finding) => findingText(finding, options))].join('\n'),
    conclusion(comparison, options),
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
  };
  const cells = rows.map((row) => [valueText(row, 'base'), valueText(row, 'candidate'), rowChange(row), row.direction]);
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

/** Value of a row; the name of a metric per token says so itself. */
function valueText(row: Row, side: 'base' | 'candidate'): string {
  const metric = row[side];
  return metric === null ? '-' : formatMetric(metric).replace(/ ?\/token$/, '');
}

function rowChange({ base, candidate }: Row): string {
  return base === null || candidate === null ? '' : changeText(base.value, candidate).replace(/ ?\/token$/, '');
}

function unchangedText({ unchanged, rows }: Comparison): string {
  const equal = `${unchanged} metric${unchanged === 1 ? ' is' : 's are'} equal.`;
  return rows.length === 0 ? `No difference: ${equal}` : equal;
}

/** A broken budget as a line (wrapped) of text: `FAIL cache.hit_rate 83.9 % is not >= 90% (--assert)`. */
export function findingText(finding: Finding, options: ReportOptions): string {
  const chalk = palette(options);
  const [label, paint] = finding.level === 'error' ? ['FAIL', chalk.red] : ['WARN', chalk.yellow];
  const source = finding.budget === null ? '' : ` (${finding.budget.place})`;
  const text = wrap(printable(`${finding.metric} ${finding.message}${source}`), widthOf(options), `${label} `);
  return text.replace(label, paint(label));
}

function conclusion(comparison: Comparison, options: ReportOptions): string {
  const chalk = palette(options);
  return comparison.passed ? chalk.green(verdictText(comparison)) : chalk.red(verdictText(comparison));
}

function verdictText({ findings, passed }: Comparison): string {
  const count = (level: Finding['level']): number => findings.filter((finding) => finding.level === level).length;
  const warnings = count('warn');
  const warned = warnings === 0 ? '' : `, ${warnings} warning${warnings === 1 ? '' : 's'}`;
  return passed ? `Passed${warned}.` : `Failed: ${count('error')} fault${count('error') === 1 ? '' : 's'}${warned}.`;
}

function markdownOf(comparison: Comparison): string {
  const marks: Record<Row['verdict'], string> = { fail: '❌', warn: '⚠️', pass: '✅', off: '➖', none: '' };
  const rows = comparison.rows.map((row) => [
    row.metric,
    valueText(row, 'base'),
    valueText(row, 'candidate'),
    rowChange(row),
    `${row.direction} ${marks[row.verdict]}`.trim(),
  ]);
  const differences = [
    ...comparison.inputs.map((difference) => ['input', difference.path, difference.base, difference.candidate]),
    ...comparison.config.map((difference) => ['config', difference.path, difference.base, difference.candidate]),
  ];
  const blocks = [
    `### ${comparison.passed ? '✅' : '❌'} ${escapeMarkdown(`${comparison.base} → ${comparison.candidate}`)}: ${escapeMarkdown(verdictText(comparison))}`,
    ...(comparison.findings.length === 0
      ? []
      : [
          comparison.findings
            .map(({ level, metric, message, budget }) => {
              const source = budget === null ? '' : ` (${escapeMarkdown(budget.place)})`;
              return `- ${level === 'error' ? '❌' : '⚠️'} **${escapeMarkdown(metric)}** ${escapeMarkdown(message)}${source}`;
            })
            .join('\n'),
        ]),
    ...(differences.length === 0
      ? []
      : [
          details(
            `${differences.length} differences in the set-up`,
            markdownTable({ head: ['', 'path', 'base', 'candidate'], rows: differences }, [0, 1, 2, 3]),
          ),
        ]),
    ...(rows.length === 0 ? [] : [markdownTable({ head: ['metric', 'base', 'candidate', 'change', 'direction'], rows }, [0, 4])]),
    escapeMarkdown(unchangedText(comparison)),
  ];
  return blocks.join('\n\n');
}

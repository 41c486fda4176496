// The report that people read: one screen of a terminal, calm, with the answer first. Says the same in black and white as in colour.
import { formatNs, formatRatio } from '../base/units.js';
import { compareMetricNames } from '../result/catalogue.js';
import type { Result } from '../result/result.js';
import { type Format, formatMetric, type ReportOptions } from './format.js';
import { picturesOf } from './pictures.js';
import { type BoundRow, layerGrid, type Summary, summarizeResult, type TimePart } from './summary.js';
import { barGlyphs, palette, ruledTable, stackedBar, widthOf, wrap } from './text.js';

/** Columns of the label and of each figure, the same in all grids so that figures stand under each other; two blanks between. */
const LABEL = 12;
const FIGURE = 11;
/** Column at which text beside a label starts. */
const INDENT = LABEL + 2;

/** Terminal table of a result. */
export const tableReport: Format<Result> = {
  name: 'table',
  summary: 'for reading, in a terminal or a text file',
  extensions: ['.txt'],
  render: renderTable,
};

function renderTable(result: Result, options: ReportOptions): string {
  const chalk = palette(options);
  const width = widthOf(options);
  const summary = summarizeResult(result);
  const grid = ({ head, rows }: Summary['cache']): string =>
    ruledTable(head, rows, options, { widths: head.map((_, column) => (column === 0 ? LABEL : FIGURE)) });

  const blocks = [
    [
      ...wrap(summary.title, width)
        .split('\n')
        .map((line) => chalk.bold(line)),
      ...wrap(summary.origin, width)
        .split('\n')
        .map((line) => chalk.dim(line)),
      ...(summary.synthetic === null
        ? []
        : wrap(summary.synthetic, width)
            .split('\n')
            .map((line) => chalk.yellow(line))),
    ].join('\n'),
    grid(summary.cache),
    ...(summary.latency === null ? [] : [grid(summary.latency)]),
    summary.facts.map(([label, text]) => paragraph(label, text, width, options)).join('\n'),
    ...(summary.time === null ? [] : [timeBlock(summary.time, width, options)]),
    ...(summary.bounds.length === 0 ? [] : [boundsBlock(summary.bounds, width, options)]),
    ...(summary.warnings.length === 0 ? [] : [warningsBlock(summary.warnings, width, options)]),
    ...(options.verbose ? [verboseBlock(result, options)] : []),
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** `label   text`, the text wrapped under itself. */
function paragraph(label: string, text: string, width: number, options: ReportOptions): string {
  const wrapped = wrap(text, width, ' '.repeat(INDENT));
  return palette(options).dim(label.padEnd(INDENT)) + wrapped.slice(INDENT);
}

function timeBlock(time: NonNullable<Summary['time']>, width: number, options: ReportOptions): string {
  const chalk = palette(options);
  const [solid, dense, medium, light] = barGlyphs(options.unicode);
  const looks: Record<TimePart['label'], { glyph: string; paint: (text: string) => string }> = {
    dense: { glyph: dense, paint: chalk.blue },
    experts: { glyph: solid, paint: chalk.green },
    stall: { glyph: light, paint: chalk.red },
    'all-to-all': { glyph: options.unicode ? '╱' : '/', paint: chalk.magenta },
    idle: { glyph: medium, paint: chalk.gray },
  };
  const parts = time.parts.filter((part) => part.ns > 0);
  const bar = stackedBar(
    parts.map((part) => ({ share: part.share, ...looks[part.label] })),
    width,
  );
  // In two lines where one is too narrow, as with exchanges between GPUs and idle time.
  const words = parts.map((part) => `${part.label} ${formatRatio(part.share)}`);
  const fits = words.reduce((length, word) => length + word.length + 5, -3) <= width;
  const legend = parts.map((part, i) => `${looks[part.label].paint(looks[part.label].glyph)} ${words[i]}`);
  const lines = fits ? [legend] : [legend.slice(0, 3), legend.slice(3)];
  const title = `${chalk.bold('where the time goes')}  ${chalk.dim(`${formatNs(time.totalNs)} on the GPU`)}`;
  return [title, bar, ...lines.map((line) => line.join('   ')), ...(time.cpu === null ? [] : [wrap(time.cpu, width)])].join('\n');
}

function boundsBlock(bounds: readonly BoundRow[], width: number, options: ReportOptions): string {
  const chalk = palette(options);
  const [solid, , , light] = barGlyphs(options.unicode);
  const table = ruledTable(
    ['bounds', 'no cache', 'this run', 'best', ''],
    bounds.map((row) => [row.label, row.worst, row.own, row.best, row.bound]),
    options,
    { widths: [LABEL, FIGURE, FIGURE, FIGURE, FIGURE + 1], align: ['left', 'right', 'right', 'right', 'left'] },
  );
  const longest = Math.max(...bounds.map((row) => closes(row).length));
  const bars = bounds.map((row) => {
    const size = Math.max(10, width - INDENT - longest - 2);
    const parts = [
      { share: row.closed, glyph: solid, paint: chalk.green },
      { share: 1 - row.closed, glyph: light, paint: chalk.gray },
    ];
    return `${chalk.dim(row.label.padEnd(INDENT))}${stackedBar(parts, size)}  ${closes(row)}`;
  });
  return [table, ...bars].join('\n');
}

function closes(row: BoundRow): string {
  return `closes ${formatRatio(row.closed)} of the gap`;
}

function warningsBlock(warnings: Summary['warnings'], width: number, options: ReportOptions): string {
  const chalk = palette(options);
  return warnings.map(({ code, message }) => wrap(`${code}: ${message}`, width, '! ').replace(/^! [^:]*:/, chalk.yellow('$&'))).join('\n');
}

/** Every metric, the counters by layer, and pictures of both. */
function verboseBlock(result: Result, options: ReportOptions): string {
  const names = Object.keys(result.metrics).sort(compareMetricNames);
  const metrics = ruledTable(
    ['metric', 'value'],
    names.map((name) => [name, formatMetric(result.metrics[name]!)]),
    options,
  );
  const { head, rows } = layerGrid(result);
  return [metrics, ruledTable(head, rows, options), picturesOf(result, options)].join('\n\n');
}

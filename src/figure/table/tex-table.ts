import { extentOf } from '../../base/statistics.js';
import { capital } from '../../base/text.js';
import { inOneUnit } from './cells.js';
import { legendLines, warnings } from './notes.js';
import { hasOraclesApart, type Pivot, type PivotTable, pivotTitle } from './pivot.js';
import { tex } from './tex.js';

/** Width of a column in two-column `article`, and of a small character, points; wider tables span the page. */
const COLUMN = 229;
const CHARACTER = 4.4;
/** Gap between table columns, points. */
const GAP = 8;

interface Sheet {
  readonly tables: readonly PivotTable[];
  /** `[level][column]`; equal neighbours below an equal head merge. */
  readonly heads: readonly (readonly string[])[];
  /** `[row][column]` in TeX. */
  readonly body: readonly (readonly string[])[];
}

/**
 * LaTeX with booktabs: a table environment per metric, or one for all without columns. The best of a column is bold,
 * oracles are separate, warnings are comments.
 */
export function latex(pivot: Pivot): string {
  const notes = ['Needs \\usepackage{booktabs}.', ...warnings(pivot)].map((text) => `% ${text.replaceAll('\n', ' ')}\n`);
  return (
    notes.join('') +
    sheetsOf(pivot)
      .map((sheet) => environment(pivot, sheet))
      .join('\n')
  );
}

function sheetsOf({ columnKeys, columns, rowKeys, statistics, tables }: Pivot): Sheet[] {
  const written = tables.map((table) => inTex(table, statistics));
  if (columns.length === 0) {
    const units = written.map(({ unit }) => (unit === '' ? '' : `(${unit})`));
    const heads = [tables.map(({ metric }) => metric), units].map((level) => level.map(tex));
    return [{ tables, heads, body: rowKeys.map((_, row) => written.map(({ cells }) => cells[row]![0]!)) }];
  }
  return tables.map((table, at) => {
    const { cells, unit } = written[at]!;
    const spanning = columnKeys.map(() => (unit === '' ? table.metric : `${table.metric} (${unit})`));
    const heads = [spanning, ...columns.map((_, level) => columnKeys.map((key) => key[level]!))];
    return { tables: [table], heads: heads.map((level) => level.map(tex)), body: cells };
  });
}

/** {@link inOneUnit} in TeX, best cells bold. */
function inTex(table: PivotTable, statistics: Pivot['statistics']): ReturnType<typeof inOneUnit> {
  const { cells, unit } = inOneUnit(table, statistics);
  const written = (text: string, row: number, column: number): string => {
    const { best = false, significant = null } = table.cells[row]![column] ?? {};
    return `${best ? `\\textbf{${tex(text)}}` : tex(text)}${significant === true ? '$^{*}$' : ''}`;
  };
  return { unit, cells: cells.map((texts, row) => texts.map((text, column) => written(text, row, column))) };
}

function environment(pivot: Pivot, { body, heads, tables }: Sheet): string {
  const { oracles, rowKeys, rows } = pivot;
  const metrics = tables.map(({ metric }) => metric);
  const title = tables.length === pivot.tables.length ? pivotTitle(pivot) : `${metrics.join(', ')}: ${pivotTitle(pivot)}`;
  const named = rowKeys.map((key, row) => key.map((part, at) => (standsAbove(rowKeys, row, at) ? '' : tex(part))));
  const lines = [...named.map((names, row) => [...names, ...body[row]!]), [...rows.map(tex), ...heads.at(-1)!]];
  const widths = lines[0]!.map((_, column) => extentOf(lines.map((line) => line[column]!.replace(/\\\w+|[{}$^*]/g, '').length))[1]);
  const star = widths.reduce((sum, width) => sum + width * CHARACTER + GAP, 0) > COLUMN ? '*' : '';
  const bodyLines = lines.slice(0, rowKeys.length).map((cells) => `    ${rowLine(cells)}`);
  if (hasOraclesApart(pivot)) bodyLines.splice(-oracles, 0, '    \\midrule');
  return [
    `\\begin{table${star}}`,
    '  \\centering',
    `  \\caption{${captionOf(pivot, title)}}`,
    `  \\label{tab:${(pivot.title ?? metrics.join('-')).replaceAll(/[^a-zA-Z0-9.]+/g, '-')}}`,
    `  \\small\\setlength{\\tabcolsep}{${GAP / 2}pt}`,
    `  \\begin{tabular}{${'l'.repeat(rows.length)}${'r'.repeat(heads[0]!.length)}}`,
    '    \\toprule',
    ...headLines(heads, rows.map(tex)).map((line) => `    ${line}`),
    '    \\midrule',
    ...bodyLines,
    '    \\bottomrule',
    '  \\end{tabular}',
    `\\end{table${star}}`,
    '',
  ].join('\n');
}

function standsAbove(keys: Pivot['rowKeys'], row: number, at: number): boolean {
  return row > 0 && at < keys[row]!.length - 1 && keys[row]!.slice(0, at + 1).every((part, level) => part === keys[row - 1]![level]);
}

function captionOf(pivot: Pivot, title: string): string {
  const bold = pivot.oracles === pivot.rowKeys.length ? [] : ['Bold: the best of its column'];
  const notes = [`${capital(pivot.statistics.join(', '))} over the runs of a cell`, ...bold, ...legendLines(pivot)];
  return tex(`${title}. ${notes.map((text) => `${text.replace(/\.$/, '')}.`).join(' ')}`).replaceAll(' * better', ' $^{*}$ better');
}

/** Table row. Braces protect a leading star or bracket, otherwise an argument of the line end or rule. */
const rowLine = (cells: readonly string[]): string => `${cells.join(' & ').replace(/^ *(?=[[*])/, '{}')} \\\\`;

/** Equal neighbours merge above a rule; the last line has row names. */
function headLines(heads: Sheet['heads'], rows: readonly string[]): string[] {
  return heads.flatMap((level, at) => {
    const isSame = (a: number, b: number): boolean => heads.slice(0, at + 1).every((words) => words[a] === words[b]);
    const last = at === heads.length - 1;
    const cells = last ? [...rows] : rows.map(() => '');
    const rules: string[] = [];
    for (let start = 0, end = 0; start < level.length; start = end) {
      for (end = start + 1; end < level.length && !last && isSame(start, end); end++);
      cells.push(end - start === 1 ? level[start]! : `\\multicolumn{${end - start}}{c}{${level[start]}}`);
      if (end - start > 1) rules.push(`\\cmidrule(lr){${rows.length + start + 1}-${rows.length + end}}`);
    }
    return [rowLine(cells), ...(rules.length === 0 ? [] : [rules.join(' ')])];
  });
}

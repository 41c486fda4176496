// How an inspected model is shown: the same grids as a terminal table and as Markdown, and all figures as JSON.
import { formatBytes, formatCount, formatParameters, formatRatio } from '../base/units.js';
import type { Fit, Inspection } from '../model/inspect.js';
import { type Format, formatRelative, printable, type ReportOptions } from '../report/format.js';
import { toJson } from '../report/json.js';
import { escapeMarkdown, markdownTable } from '../report/markdown.js';
import type { Grid } from '../report/summary.js';
import { palette, ruledTable, widthOf, wrap } from '../report/text.js';

/** Columns that a list of layers may take beside the other figures. */
const LAYERS_WIDTH = 28;

const table: Format<Inspection> = {
  name: 'table',
  summary: 'for reading, in a terminal or a text file',
  extensions: ['.txt'],
  render: renderTable,
};

const json: Format<Inspection> = {
  name: 'json',
  summary: 'everything, for tools',
  extensions: ['.json'],
  render: (inspection) => toJson(inspection),
};

const markdown: Format<Inspection> = {
  name: 'markdown',
  summary: 'for issues and wikis',
  extensions: ['.md', '.markdown'],
  render: (inspection) =>
    `${[
      `## ${escapeMarkdown(titleOf(inspection))}`,
      ...facts(inspection).map((fact) => `${escapeMarkdown(fact)}.`),
      markdownTable(budgetGrid(inspection)),
      markdownTable(expertGrid(inspection, Number.POSITIVE_INFINITY)),
      ...(inspection.fits.length === 0 ? [] : [markdownTable(fitGrid(inspection), [0, 5])]),
    ].join('\n\n')}\n`,
};

/** Formats of an inspection, the one for reading first. */
export const modelReports: readonly Format<Inspection>[] = [table, json, markdown];

function renderTable(inspection: Inspection, options: ReportOptions): string {
  const chalk = palette(options);
  const width = widthOf(options);
  const draw = ({ head, rows }: Grid, left: readonly number[] = [0]): string =>
    ruledTable(head, rows, options, { align: head.map((_, column) => (left.includes(column) ? 'left' : 'right')) });
  const [first, ...others] = facts(inspection).map((fact) => wrap(fact, width));
  const fits = fitGrid(inspection);
  const blocks = [
    [chalk.bold(wrap(titleOf(inspection), width)), first!, ...others.map((fact) => chalk.dim(fact))].join('\n'),
    draw(budgetGrid(inspection)),
    draw(expertGrid(inspection, LAYERS_WIDTH), [0, 5]),
    ...(fits.rows.length === 0 ? [] : [draw(fits, [0, 5])]),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function titleOf({ name, quantization, sizes }: Inspection): string {
  return printable(`${name}, ${sizes === 'tensors' ? `sizes of its ${quantization} tensors` : quantization}`);
}

/** Sentences without full stops. */
function facts({ layers, parameters, tokenCycleBytes, kvBytesPerToken, wholeModels }: Inspection): string[] {
  const { published } = parameters;
  const against = (own: number, stated: number): string => `${formatParameters(stated)} (${formatRelative(own / stated - 1)} here)`;
  const parts =
    layers.moe === layers.total ? `${layers.total} layers, all with experts` : `${layers.moe} of ${layers.total} layers have experts`;
  const moe = wholeModels === undefined ? parts : `${formatCount(wholeModels)} whole models of ${layers.total} layers`;
  const active = published?.active === undefined ? '' : `, active ${against(parameters.active, published.active)}`;
  return [
    `${moe}; ${formatParameters(parameters.total)} parameters, ${formatParameters(parameters.active)} active`,
    `One token touches ${formatBytes(tokenCycleBytes)} of experts and adds ${formatBytes(kvBytesPerToken)} of KV cache`,
    ...(published === null ? [] : [`Published: ${against(parameters.total, published.total)}${active}; ${printable(published.source)}`]),
  ];
}

function budgetGrid({ parts, parameters, bytes }: Inspection): Grid {
  const rows = parts.map((row) => [
    row.part,
    formatParameters(row.parameters),
    formatParameters(row.active),
    formatBytes(row.bytes),
    formatRatio(row.bytes / bytes),
  ]);
  return {
    head: ['parameters', 'all', 'active', 'bytes', 'share'],
    rows: [...rows, ['total', formatParameters(parameters.total), formatParameters(parameters.active), formatBytes(bytes), '']],
  };
}

/** One row for each kind of layer; lists of layers that are too long go on below. */
function expertGrid({ experts, expertBytes }: Inspection, width: number): Grid {
  const rows = experts.flatMap((group) => {
    const ranges = group.layers.map(rangeText).join(', ');
    const [first, ...others] = width === Number.POSITIVE_INFINITY ? [ranges] : wrap(ranges, width).split('\n');
    const perLayer = group.experts * group.expertBytes;
    return [
      [
        formatBytes(group.expertBytes),
        formatCount(group.experts),
        formatCount(group.topK),
        formatBytes(perLayer),
        formatCount(group.count),
        first!,
      ],
      ...others.map((line) => ['', '', '', '', '', line]),
    ];
  });
  const total = experts.reduce((sum, group) => sum + group.count, 0);
  const sum = experts.length > 1 ? [['all experts', '', '', formatBytes(expertBytes), formatCount(total), '']] : [];
  return { head: ['one expert', 'experts', 'top-k', 'per layer', 'layers', 'which'], rows: [...rows, ...sum] };
}

/** `0-47`, `1-47 by 2`, `5`. */
function rangeText([first, last, step]: readonly [number, number, number]): string {
  return first === last ? String(first) : step === 1 ? `${first}-${last}` : `${first}-${last} by ${step}`;
}

function fitGrid({ fits, context }: Inspection): Grid {
  return {
    head: ['machine', 'memory', 'for experts', 'share', 'per layer', `at ${formatCount(context)} tokens`],
    rows: fits.map((fit) => [
      printable(fit.machine),
      formatBytes(fit.memoryBytes),
      formatBytes(fit.cacheBytes),
      formatRatio(fit.share),
      formatCount(fit.perLayer),
      verdictOf(fit),
    ]),
  };
}

function verdictOf({ verdict, rest }: Fit): string {
  switch (verdict) {
    case 'resident':
      return 'all resident';
    case 'cached':
      return `cached from ${rest}`;
    case 'below-token-cycle':
      return 'less than one token';
    case 'dense-too-large':
      return 'dense part too large';
    case 'experts-too-large':
      return 'experts too large';
  }
}

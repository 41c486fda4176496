// `moeprof trace diff`: what a change to the model did to its routing of the same text.
import type { Command } from 'commander';
import { formatCount, formatRatio } from '../../base/units.js';
import { type Format, formatDelta, printable, type ReportOptions } from '../../report/format.js';
import { toJson } from '../../report/json.js';
import { escapeMarkdown, markdownTable } from '../../report/markdown.js';
import type { Grid } from '../../report/summary.js';
import { palette, ruledTable, widthOf, wrap } from '../../report/text.js';
import { diffTraces, type LayerDifference, type RoutingDifference } from '../../trace/diff/index.js';
import type { CliContext } from '../context.js';
import { addOutputOptions, type OutputOptions, stdoutFormat } from '../options.js';
import { Outputs } from '../outputs.js';
import { HIT_SHARES, hitsOf, type PolicyHits } from './hits.js';
import { addTraceOptions, identityOf, openNamed, type TraceFlags, type TraceIdentity } from './open.js';

/** Two routings, compared. */
interface Comparison {
  readonly before: TraceIdentity;
  readonly after: TraceIdentity;
  readonly difference: RoutingDifference;
  readonly hits: { readonly before: readonly PolicyHits[]; readonly after: readonly PolicyHits[] };
}

/** Experts and layers shown unless everything is asked for. */
const SHOWN = 8;

const EXAMPLES = `
Requests are compared in order, token by token, as long as positions (and token
ids, where both have them) are the same.

Examples:
  moeprof trace diff base.safetensors finetuned.safetensors
  moeprof trace diff bf16.npz q4.npz -m olmoe-1b-7b --json
`;

const formats: readonly Format<Comparison>[] = [
  { name: 'table', summary: 'for reading, in a terminal or a text file', extensions: ['.txt'], render: renderTable },
  {
    name: 'json',
    summary: 'everything, for tools',
    extensions: ['.json'],
    render: (comparison) => toJson({ schema: 'moeprof.trace-diff/1', ...comparison }),
  },
  {
    name: 'markdown',
    summary: 'for issues and wikis',
    extensions: ['.md', '.markdown'],
    render: (comparison) =>
      `${[`## ${escapeMarkdown(titleOf(comparison))}`, `${escapeMarkdown(scopeOf(comparison))}.`, ...grids(comparison, false).map((grid) => markdownTable(grid))].join('\n\n')}\n`,
  },
];

/** Defines the subcommand. */
export function defineDiff(parent: Command, context: CliContext): void {
  const command = parent
    .command('diff')
    .summary('two routings of the same text, before and after a change of the model')
    .description('Compares two routings of the same text.')
    .argument('<before>', 'a trace')
    .argument('<after>', 'a trace of the same text');
  addOutputOptions(addTraceOptions(command), formats)
    .addHelpText('after', EXAMPLES)
    .action(async (pathBefore: string, pathAfter: string, flags: TraceFlags & OutputOptions) => {
      const outputs = Outputs.open(context, formats, flags.output, stdoutFormat(flags));
      try {
        const { trace: before } = await openNamed(pathBefore, flags);
        try {
          const { trace: after } = await openNamed(pathAfter, flags);
          try {
            const difference = diffTraces(before, after);
            const hits = { before: await hitsOf(before, context), after: await hitsOf(after, context) };
            outputs.deliver({ before: identityOf(before), after: identityOf(after), difference, hits });
          } finally {
            after.close();
          }
        } finally {
          before.close();
        }
      } finally {
        outputs.abort();
      }
    });
}

function titleOf({ after, before }: Comparison): string {
  return printable(`${before.path} -> ${after.path}`);
}

function scopeOf({ difference: { tokens } }: Comparison): string {
  return `${formatCount(tokens.compared)} tokens compared, of ${formatCount(tokens.before)} before and ${formatCount(tokens.after)} after`;
}

function renderTable(comparison: Comparison, options: ReportOptions): string {
  const chalk = palette(options);
  const width = widthOf(options);
  return `${[
    [chalk.bold(wrap(titleOf(comparison), width)), chalk.dim(wrap(scopeOf(comparison), width))].join('\n'),
    ...grids(comparison, options.verbose).map(({ head, rows }) => ruledTable(head, rows, options)),
  ].join('\n\n')}\n`;
}

function grids({ difference, hits }: Comparison, all: boolean): Grid[] {
  const { byLayer, mean, shifts } = difference;
  const cells = ({ agreement, first, moved, whole }: LayerDifference): string[] =>
    [agreement, first, whole, moved].map((share) => formatRatio(share));
  const order = byLayer.map((_, layer) => layer);
  const layers = all ? order : order.sort((a, b) => byLayer[a]!.agreement - byLayer[b]!.agreement || a - b).slice(0, SHOWN);
  return [
    {
      head: [all ? 'layer' : 'layer (least alike first)', 'choices kept', 'first kept', 'all kept', 'load moved'],
      rows: [['mean of all', ...cells(mean)], ...layers.map((layer) => [String(layer), ...cells(byLayer[layer]!)])],
    },
    {
      head: ['layer, expert', 'before', 'after', 'change'],
      rows: (all ? shifts : shifts.slice(0, SHOWN)).map(({ after, before, expert, layer }) => [
        `${layer}, ${expert}`,
        formatRatio(before),
        formatRatio(after),
        formatDelta(after - before, 'ratio'),
      ]),
    },
    {
      head: ['hit rate', 'before', 'after', 'change'],
      rows: hits.before.flatMap(({ hitRates, policy }, p) =>
        hitRates.map((rate, i) => {
          const now = hits.after[p]!.hitRates[i]!;
          return [`${policy} at ${formatRatio(HIT_SHARES[i]!, 0)}`, formatRatio(rate), formatRatio(now), formatDelta(now - rate, 'ratio')];
        }),
      ),
    },
  ].filter(({ rows }) => rows.length > 0);
}

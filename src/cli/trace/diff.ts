// `moeprof trace diff`: what a change to the model did to its routing of the same text.
import type { Command } from 'commander';
import { formatCount, formatRatio } from '../../base/units.js';
import { type Grid, grid } from '../../report/document/document.js';
import { documentFormats } from '../../report/document/formats.js';
import { formatDelta } from '../../report/format.js';
import { diffTraces, type RoutingDifference } from '../../trace/diff/index.js';
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

const formats = documentFormats<Comparison>(
  ({ after, before, difference, hits }) => ({
    title: `${before.path} -> ${after.path}`,
    lead: [{ text: scopeOf(difference) }],
    blocks: [...layerGrids(difference), ...shiftGrids(difference), hitGrid(hits)],
  }),
  (comparison) => ({ schema: 'moeprof.trace-diff/1', ...comparison }),
);

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

function scopeOf({ tokens }: RoutingDifference): string {
  return `${formatCount(tokens.compared)} tokens compared, of ${formatCount(tokens.before)} before and ${formatCount(tokens.after)} after`;
}

/** The layers that are least alike; all of them where everything is asked for. */
function layerGrids({ byLayer, mean }: RoutingDifference): Grid[] {
  const rows = byLayer.map((layer, index) => ({ name: String(index), ...layer }));
  const least = [...rows].sort((a, b) => a.agreement - b.agreement).slice(0, SHOWN);
  const draw = (head: string, layers: typeof rows, detail: Grid['detail']): Grid =>
    grid(
      [{ name: 'mean of all', ...mean }, ...layers],
      [
        { head, name: 'layer', of: ({ name }) => name },
        { head: 'choices kept', of: ({ agreement }) => agreement, show: percent },
        { head: 'first kept', of: ({ first }) => first, show: percent },
        { head: 'all kept', of: ({ whole }) => whole, show: percent },
        { head: 'load moved', of: ({ moved }) => moved, show: percent },
      ],
      { detail },
    );
  return [draw('layer (least alike first)', least, 'brief'), draw('layer', rows, 'verbose')];
}

/** The experts whose load moved most; all of them where everything is asked for. */
function shiftGrids({ shifts }: RoutingDifference): Grid[] {
  const rows = shifts.map(({ layer, expert, ...shares }) => ({ name: `${layer}, ${expert}`, ...shares }));
  return [changeGrid('layer, expert', rows.slice(0, SHOWN), 'brief'), changeGrid('layer, expert', rows, 'verbose')];
}

function hitGrid({ after, before }: Comparison['hits']): Grid {
  const rows = before.flatMap(({ hitRates, policy }, p) =>
    hitRates.map((rate, i) => ({
      name: `${policy} at ${formatRatio(HIT_SHARES[i]!, 0)}`,
      before: rate,
      after: after[p]!.hitRates[i]!,
    })),
  );
  return changeGrid('hit rate', rows);
}

/** Shares before and after. */
function changeGrid(
  head: string,
  rows: readonly { readonly name: string; readonly before: number; readonly after: number }[],
  detail?: Grid['detail'],
): Grid {
  return grid(
    rows,
    [
      { head, of: ({ name }) => name },
      { head: 'before', of: ({ before }) => before, show: percent },
      { head: 'after', of: ({ after }) => after, show: percent },
      { head: 'change', of: ({ before, after }) => after - before, show: (change) => formatDelta(change, 'ratio') },
    ],
    { detail },
  );
}

function percent(share: number): string {
  return formatRatio(share);
}

import type { Command } from 'commander';
import { formatCount, formatRatio } from '../../base/units.js';
import { type Datum, documentFormats, formatDelta, type Grid, gridOf, ratio } from '../../report/door.js';
import { diffTraces, type LayerDifference, type RoutingDifference } from '../../trace/diff/index.js';
import type { CliContext } from '../kit/context.js';
import { type OptionsOf, options, subcommand } from '../kit/declared.js';
import { output, TRACE } from '../kit/groups.js';
import { deliver } from '../kit/outputs.js';
import { HIT_SHARES, hitsOf, type PolicyHits } from './hits.js';
import { identityOf, type TraceIdentity, withNamed } from './open.js';

interface Comparison {
  readonly before: TraceIdentity;
  readonly after: TraceIdentity;
  readonly difference: RoutingDifference;
  readonly hits: { readonly before: readonly PolicyHits[]; readonly after: readonly PolicyHits[] };
}

/** Experts and layers without --verbose. Ours. */
const SHOWN = 8;

const formats = documentFormats<Comparison>(
  ({ after, before, difference, hits }) => ({
    title: `${before.path} -> ${after.path}`,
    lead: [{ text: scopeOf(difference) }],
    blocks: [...layerGrids(difference), ...shiftGrids(difference), hitGrid(hits)],
  }),
  (comparison) => ({ schema: 'moeprof.trace-diff/1', ...comparison }),
);

const DIFF = options({
  '<before>': 'a trace',
  '<after>': 'a trace of the same text',
  ...TRACE,
  ...output(formats),
});

const DIFF_HELP = `Requests are compared in order, token by token, as long as positions (and token
ids, where both have them) are the same.

Examples:
  moeprof trace diff base.safetensors finetuned.safetensors
  moeprof trace diff bf16.npz q4.npz -m olmoe-1b-7b --json`;

/** `moeprof trace diff`. */
export function defineDiff(parent: Command, context: CliContext): void {
  subcommand(parent, 'diff', DIFF, {
    help: DIFF_HELP,
    first: ['-m', '-o'],
    summary: 'two routings of the same text, before and after a change of the model',
    description: 'Compares two routings of the same text.',
  }).action((pathBefore: string, pathAfter: string, flags: OptionsOf<typeof DIFF>) =>
    deliver(context, formats, flags, () =>
      withNamed(pathBefore, flags, (before) =>
        withNamed(pathAfter, flags, async (after) => {
          const difference = diffTraces(before, after);
          const hits = { before: await hitsOf(before, context), after: await hitsOf(after, context) };
          return { before: identityOf(before), after: identityOf(after), difference, hits };
        }),
      ),
    ),
  );
}

const scopeOf = ({ tokens }: RoutingDifference): string =>
  `${formatCount(tokens.compared)} tokens compared, of ${formatCount(tokens.before)} before and ${formatCount(tokens.after)} after`;

/** Least similar layers; all with --verbose. */
function layerGrids({ byLayer, mean }: RoutingDifference): Grid[] {
  const cells = ({ agreement, first, moved, whole }: LayerDifference): Datum[] => [agreement, first, whole, moved].map(ratio);
  const rows = byLayer.map((layer, index) => [index, ...cells(layer)]);
  const least = byLayer.map((_, index) => index).sort((a, b) => byLayer[a]!.agreement - byLayer[b]!.agreement);
  const draw = (head: string, layers: typeof rows, detail: Grid['detail']): Grid =>
    gridOf([head, 'choices kept', 'first kept', 'all kept', 'load moved'], [['mean of all', ...cells(mean)], ...layers], { detail });
  return [
    draw(
      'layer (least alike first)',
      least.slice(0, SHOWN).map((index) => rows[index]!),
      'brief',
    ),
    draw('layer', rows, 'verbose'),
  ];
}

/** Experts with the largest change of load; all with --verbose. */
function shiftGrids({ shifts }: RoutingDifference): Grid[] {
  const rows = shifts.map(({ after, before, expert, layer }) => changeRow(`${layer}, ${expert}`, before, after));
  const head = ['layer, expert', 'before', 'after', 'change'];
  return [gridOf(head, rows.slice(0, SHOWN), { detail: 'brief' }), gridOf(head, rows, { detail: 'verbose' })];
}

function hitGrid({ after, before }: Comparison['hits']): Grid {
  const rows = before.flatMap(({ hitRates, policy }, p) =>
    hitRates.map((rate, i) => changeRow(`${policy} at ${formatRatio(HIT_SHARES[i]!, 0)}`, rate, after[p]!.hitRates[i]!)),
  );
  return gridOf(['hit rate', 'before', 'after', 'change'], rows);
}

function changeRow(name: string, before: number, after: number): Datum[] {
  return [name, ratio(before), ratio(after), { value: after - before, text: formatDelta(after - before, 'ratio') }];
}

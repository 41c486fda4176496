// How far a run of drawn routing would move if it were longer, in words.
import { formatCount, formatCounted, formatRatio } from '../base/units.js';
import type { Result } from '../result/result.js';

/** Moves below it are not worth a line. Ours: a few percent, less than comparable measurements lie from predictions. */
const FEW = 0.03;

/** Says it of one run; null: it moves little, or nothing is known. */
export function tenfoldText({ tenfold }: Pick<Result, 'tenfold'>): string | null {
  if (tenfold === undefined) return null;
  const { requests, tpot } = tenfold;
  if (requests > 1)
    return tpot < FEW ? null : `${formatCount(requests)} requests: ten times as many would move TPOT by about ${share(tpot)}`;
  const seen = tpot < FEW ? '' : `; the halves of this one differ, ten times as many would move TPOT by about ${share(tpot)}`;
  return `1 request, and others may be unlike it: give more tokens (--tokens)${seen}`;
}

/** Says it of runs that are ranked, by the one that moves most; null: they move little. */
export function tenfoldOfAll(runs: readonly { readonly name: string; readonly result: Pick<Result, 'tenfold'> }[]): string | null {
  const most = runs.reduce((most, run) => ((run.result.tenfold?.tpot ?? 0) > (most.result.tenfold?.tpot ?? 0) ? run : most), runs[0]!);
  const tenfold = most.result.tenfold;
  if (tenfold === undefined || tenfold.tpot < FEW) return null;
  const { requests, tpot } = tenfold;
  return `${formatCounted(requests, 'request')}: ten times as many would move ${most.name} by about ${share(tpot)}, no other by more.`;
}

function share(ratio: number): string {
  return formatRatio(ratio, 0);
}

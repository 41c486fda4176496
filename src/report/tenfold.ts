// The change of a run with synthetic routing if it were longer, in words.
import { formatCount, formatCounted, formatRatio } from '../base/units.js';
import type { Result } from '../result/result.js';

/** Smaller changes are not reported. Our choice: a few percent, below the error of comparable measurements. */
const FEW = 0.03;

/** Sentence on one run; null if the change is small or unknown. */
export function tenfoldText({ tenfold }: Pick<Result, 'tenfold'>): string | null {
  if (tenfold === undefined) return null;
  const { requests, tpot } = tenfold;
  if (requests > 1)
    return tpot < FEW ? null : `${formatCount(requests)} requests: ten times as many would move TPOT by about ${share(tpot)}`;
  const seen = tpot < FEW ? '' : `; the halves of this one differ, ten times as many would move TPOT by about ${share(tpot)}`;
  return `1 request, and others may be unlike it: give more tokens (--tokens)${seen}`;
}

/** Sentence on ranked runs, by the largest change; null if all are small. */
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

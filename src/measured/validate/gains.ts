import { groupedBy } from '../../base/objects.js';
import type { Measurement } from './rows/measurement.js';
import type { ValidatedRow } from './rows/validated-row.js';

/** Smallest relative gain with a sign; ours: runs of one setting differ by as much. */
const NO_GAIN = 0.02;
/** Factor of error of a right gain; ours. */
const CLOSE = 1.25;

/** Speed of a row over the speed of the preceding row in its series. */
export interface Gain extends Pick<ValidatedRow, 'metric'> {
  readonly series: string;
  /** Not looked at before the first prediction (`scorable.unseen`). */
  readonly unseen: boolean;
  readonly from: string;
  readonly to: string;
  readonly measured: number;
  /** Null: a missing prediction. */
  readonly predicted: number | null;
  /** True if prediction and measurement agree on gain or loss. */
  readonly sign: boolean | null;
  /** True for the right sign, and a factor within 25 %. */
  readonly right: boolean | null;
  /** Null: predicted. */
  readonly reason: string | null;
}

/** Gains over their predecessors. @param validated figures of the rows */
export function gainsOf(rows: readonly Measurement[], validated: readonly ValidatedRow[]): Gain[] {
  const byId = groupedBy(validated, ({ id }) => id);
  const paired = rows.flatMap(({ id, scorable, series }) =>
    scorable?.pair === true && series !== undefined ? [{ id, series: series.id, unseen: scorable.unseen === true }] : [],
  );
  return [...groupedBy(paired, ({ series }) => series)].flatMap(([series, members]) =>
    members.slice(1).flatMap(({ id, unseen }, i) =>
      byId.get(id)!.flatMap((second) => {
        const first = byId.get(members[i]!.id)!.find(({ metric }) => metric === second.metric);
        return first === undefined || second.metric === 'hit_rate' ? [] : [{ ...gainOf(series, first, second), unseen }];
      }),
    ),
  );
}

function gainOf(series: string, first: ValidatedRow, second: ValidatedRow): Omit<Gain, 'unseen'> {
  const measured = second.measured / first.measured;
  const between = { series, from: first.id, to: second.id, metric: second.metric, measured };
  const lacking = [first, second].find(({ predicted }) => predicted === null || predicted === 0);
  if (lacking !== undefined) return { ...between, predicted: null, sign: null, right: null, reason: lacking.reason };
  const predicted = second.predicted! / first.predicted!;
  const sign = signOf(measured) === signOf(predicted);
  return { ...between, predicted, sign, right: sign && isRight(measured, predicted), reason: null };
}

/** True for a factor within 25 %. */
export const isRight = (measured: number, predicted: number): boolean => Math.abs(Math.log(predicted / measured)) <= Math.log(CLOSE);

/** 1: a gain, -1: a loss, 0: neither. */
export const signOf = (gain: number): number => (Math.abs(Math.log(gain)) < NO_GAIN ? 0 : Math.sign(Math.log(gain)));

import { groupedBy } from '../../base/objects.js';
import type { Measurement } from './rows/measurement.js';
import type { ValidatedRow } from './rows/validated-row.js';

/** Smaller gains and losses have no sign: runs of one setting differ by as much. */
const NO_GAIN = 0.02;
/** A predicted gain is right up to this share of the measured one, in either direction as a factor. */
const CLOSE = 1.25;

/** The gain of one row over the row before it in its series: the ratio of their speeds. Hit rates are no speeds. */
export interface Gain extends Pick<ValidatedRow, 'metric'> {
  readonly series: string;
  /** Nobody had looked at it before it was first predicted (`scorable.unseen`). */
  readonly unseen: boolean;
  readonly from: string;
  readonly to: string;
  readonly measured: number;
  /** Of the predictions; null, as what follows is: one of them is missing. */
  readonly predicted: number | null;
  /** The prediction gains if the measurement does, and loses if it loses. */
  readonly sign: boolean | null;
  /** Its sign is right, and its factor within 25 % of the measured one. */
  readonly right: boolean | null;
  /** Reason why nothing is predicted; null: it is. */
  readonly reason: string | null;
}

/** Gains of rows marked for it (`scorable.pair`), each over the one before it in the file, measured and predicted. @param validated their figures */
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
  return { ...between, predicted, sign, right: sign && Math.abs(Math.log(predicted / measured)) <= Math.log(CLOSE), reason: null };
}

const signOf = (gain: number): number => (Math.abs(Math.log(gain)) < NO_GAIN ? 0 : Math.sign(Math.log(gain)));

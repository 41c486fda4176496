// The error band of a prediction: the errors of predictions for comparable measurements. Rows of machines that no constant has seen come first,
// since rows that constants were fitted on are predicted better than a machine that nobody calibrated. Of either, rows of the same runtime,
// format and placement come first; where they are few, rows that share less are taken in.
import { percentile } from '../../base/statistics.js';
import type { Accuracy } from '../../result/result.js';

/** Share of comparable errors that a band holds. */
const BAND_SHARE = 0.8;
/** Least number of comparable rows; with fewer, the next wider circle is used. */
const ENOUGH = 8;

/** A scored error. */
export interface ScoredError {
  readonly metric: string;
  readonly runtime: string;
  readonly format: string;
  readonly placement: string;
  /** predicted / measured - 1. */
  readonly error: number;
  /** No constant was fitted on a row of its machine. */
  readonly unseen?: boolean;
}

/** The fields by which rows and runs are compared. */
export type ComparedBy = Omit<ScoredError, 'error' | 'unseen'>;

/** Groups of comparable rows, nearest first: the fields that they share, and the words for it. */
const CIRCLES: readonly { readonly fields: readonly (keyof ComparedBy)[]; readonly named: (kind: ComparedBy) => string }[] = [
  { fields: ['runtime', 'format', 'placement'], named: ({ format, placement, runtime }) => `${runtime}, ${format}, ${placement}` },
  { fields: ['runtime', 'placement'], named: ({ placement, runtime }) => `${runtime}, ${placement}` },
  { fields: ['runtime'], named: ({ runtime }) => runtime },
  { fields: ['placement'], named: ({ placement }) => placement },
  { fields: [], named: () => 'all' },
];

/** The placement of experts on a disk, whose speed depends little on the runtime. */
const STREAMED = 'ssd-stream';
const CIRCLES_OF_DISKS = CIRCLES.filter(({ fields }) => fields.includes('placement') || fields.length === 0);

/**
 * The band of one kind of prediction; null where there is no comparable row at all.
 * @param errors scored errors, without the row that the band is for and without those of its machine, which resemble it too much
 */
export function bandOf(kind: ComparedBy, errors: readonly ScoredError[]): Accuracy | null {
  const own = errors.filter(({ metric }) => metric === kind.metric);
  const [circles, least] = kind.placement === STREAMED ? ([CIRCLES_OF_DISKS, 'placement'] as const) : ([CIRCLES, 'runtime'] as const);
  const close = circles.filter(({ fields }) => fields.includes(least));
  const unseen = own.filter((error) => error.unseen === true);
  return nearest(kind, unseen, close) ?? nearest(kind, own, circles);
}

/** The band of the nearest circle that has enough rows; the circle of all rows is enough with one. */
function nearest(kind: ComparedBy, errors: readonly ScoredError[], circles: typeof CIRCLES): Accuracy | null {
  for (const { fields, named } of circles) {
    const near = errors.filter((other) => fields.every((field) => other[field] === kind[field]));
    if (near.length < (fields.length > 0 ? ENOUGH : 1)) continue;
    const sizes = near.map(({ error }) => Math.abs(error)).sort((a, b) => a - b);
    return { halfWidth: percentile(sizes, 100 * BAND_SHARE), rows: near.length, common: named(kind) };
  }
  return null;
}

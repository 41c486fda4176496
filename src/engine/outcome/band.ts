// The error band of a prediction: measured / predicted of comparable machines, by constants fitted without the row's machine. Each has one
// vote, as its rows err alike. Rows of the same runtime, format and placement come first, then less similar ones.
import { twelveDigits } from '../../base/rounding.js';
import { sharedVotes, votedPercentile } from '../../base/statistics.js';
import type { Accuracy } from '../../result/result.js';

/** Percent of comparable measurements below a band, and above it. */
const TAIL = 10;
/** Least machines of a circle. Ours: of bundled rows, own machine left out, 79 and 82 % of votes are within bands that promise 80. */
const ENOUGH = 8;
/** Least predicted / measured, for a prediction of nothing. */
const NOTHING = 1e-3;

/** A scored error. */
export interface ScoredError {
  readonly metric: string;
  readonly runtime: string;
  readonly format: string;
  readonly placement: string;
  /** predicted / measured - 1. */
  readonly error: number;
  /** The machine, or that of equal parts. */
  readonly vote: string;
}

/** The fields by which rows and runs are compared. */
export type ComparedBy = Omit<ScoredError, 'error' | 'vote'>;

/** Groups of comparable rows, nearest first: the fields that they share, and the words for it. */
export const CIRCLES: readonly { readonly fields: readonly (keyof ComparedBy)[]; readonly named: (kind: ComparedBy) => string }[] = [
  { fields: ['runtime', 'format', 'placement'], named: ({ format, placement, runtime }) => `${runtime}, ${format}, ${placement}` },
  { fields: ['runtime', 'placement'], named: ({ placement, runtime }) => `${runtime}, ${placement}` },
  { fields: ['runtime'], named: ({ runtime }) => runtime },
  { fields: ['placement'], named: ({ placement }) => placement },
  { fields: [], named: () => 'all' },
];

/** The placement of experts on a disk, whose speed depends little on the runtime. */
const STREAMED = 'ssd-stream';
const CIRCLES_OF_DISKS = CIRCLES.filter(({ fields }) => fields.includes('placement') || fields.length === 0);

/** The band of one kind of prediction; null: no row is comparable. @param errors without those of the machine that the band is for */
export function bandOf(kind: ComparedBy, errors: readonly ScoredError[]): Accuracy | null {
  const scored = errors.filter(({ metric }) => metric === kind.metric);
  return nearest(kind, scored, kind.placement === STREAMED ? CIRCLES_OF_DISKS : CIRCLES);
}

/** The band of the nearest circle that has enough machines; the circle of all is enough with one. */
function nearest(kind: ComparedBy, errors: readonly ScoredError[], circles: typeof CIRCLES): Accuracy | null {
  for (const { fields, named } of circles) {
    const near = errors.filter((other) => fields.every((field) => other[field] === kind[field]));
    const machines = new Set(near.map(({ vote }) => vote)).size;
    if (machines < (fields.length > 0 ? ENOUGH : 1)) continue;
    // Of logarithms, in which half the speed is as far off as twice the speed.
    const votes = sharedVotes(near, ({ error }) => -Math.log(Math.max(NOTHING, 1 + error)));
    const at = (percent: number): number => twelveDigits(Math.exp(votedPercentile(votes, percent, true)));
    return { low: Math.min(1, at(TAIL)), high: Math.max(1, at(100 - TAIL)), rows: near.length, machines, common: named(kind) };
  }
  return null;
}

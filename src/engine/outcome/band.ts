// Error band of a prediction: measured / predicted of comparable machines, by constants fitted without the row's
// machine. A machine has one vote: its rows err alike. Equal runtime, format and placement come first.
import { twelveDigits } from '../../base/rounding.js';
import { sharedVotes, votedPercentile } from '../../base/statistics.js';
import type { Accuracy } from '../../result/result.js';

/** Percent of comparable measurements below a band, and above. Ours. */
const TAIL = 10;
/**
 * Least machines of a circle. Ours: of bundled rows, own machine left out, 79 and 82 % of votes are within bands that
 * promise 80.
 */
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
  /** Machine, or the machine of equal parts. */
  readonly vote: string;
}

/** Fields that make rows and runs comparable. */
export type ComparedBy = Omit<ScoredError, 'error' | 'vote'>;

/** Groups of comparable rows, nearest first: shared fields, and words for them. */
export const CIRCLES: readonly { readonly fields: readonly (keyof ComparedBy)[]; readonly named: (kind: ComparedBy) => string }[] = [
  { fields: ['runtime', 'format', 'placement'], named: ({ format, placement, runtime }) => `${runtime}, ${format}, ${placement}` },
  { fields: ['runtime', 'placement'], named: ({ placement, runtime }) => `${runtime}, ${placement}` },
  { fields: ['runtime'], named: ({ runtime }) => runtime },
  { fields: ['placement'], named: ({ placement }) => placement },
  { fields: [], named: () => 'all' },
];

/** Experts on a disk: speed depends little on the runtime. */
const STREAMED = 'ssd-stream';
const CIRCLES_OF_DISKS = CIRCLES.filter(({ fields }) => fields.includes('placement') || fields.length === 0);

/** Null: no comparable row. @param errors without those of the band's own machine */
export function bandOf(kind: ComparedBy, errors: readonly ScoredError[]): Accuracy | null {
  const scored = errors.filter(({ metric }) => metric === kind.metric);
  return nearest(kind, scored, kind.placement === STREAMED ? CIRCLES_OF_DISKS : CIRCLES);
}

/** Band of the nearest circle with enough machines; one machine suffices for all. */
function nearest(kind: ComparedBy, errors: readonly ScoredError[], circles: typeof CIRCLES): Accuracy | null {
  for (const { fields, named } of circles) {
    const near = errors.filter((other) => fields.every((field) => other[field] === kind[field]));
    const machines = new Set(near.map(({ vote }) => vote)).size;
    if (machines < (fields.length > 0 ? ENOUGH : 1)) continue;
    // Logarithms: half the speed is as far off as twice the speed.
    const votes = sharedVotes(near, ({ error }) => -Math.log(Math.max(NOTHING, 1 + error)));
    const at = (percent: number): number => twelveDigits(Math.exp(votedPercentile(votes, percent, true)));
    return { low: Math.min(1, at(TAIL)), high: Math.max(1, at(100 - TAIL)), rows: near.length, machines, common: named(kind) };
  }
  return null;
}

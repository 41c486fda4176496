// Measured / predicted of comparable machines, by constants fitted without the row's machine. Each machine has one
// vote. Equal runtime, format and placement come first.
import { twelveDigits } from '../../base/rounding.js';
import { sharedVotes, votedPercentile } from '../../base/statistics.js';
import type { Accuracy } from '../../result/result.js';

/** Percent of comparable measurements below and above a band. Ours. */
const TAIL = 10;
/** Least machines. Ours: of bundled rows, own left out, 79 and 82 % of votes fall within bands of nominal 80 %. */
const ENOUGH = 8;
/** As {@link ENOUGH} of other runtimes: few of them may all err to one side (with 8, a band holds 19 of 30 chips' prompts). */
const ENOUGH_OTHERS = 16;
/** Least predicted / measured, for a prediction of zero. Ours. */
const NOTHING = 1e-3;

/** Error of a measured prediction. */
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

/** Fields of comparable rows and runs. */
export type ComparedBy = Omit<ScoredError, 'error' | 'vote'>;

/** Groups of comparable rows, nearest first: shared fields, and words. */
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

/** Null: no row. @param errors without the band's own machine */
export function bandOf(kind: ComparedBy, errors: readonly ScoredError[]): Accuracy | null {
  const scored = errors.filter(({ metric }) => metric === kind.metric);
  return nearest(kind, scored, kind.placement === STREAMED ? CIRCLES_OF_DISKS : CIRCLES);
}

const leastOf = (fields: readonly (keyof ComparedBy)[]): number =>
  fields.length === 0 ? 1 : fields.includes('runtime') ? ENOUGH : ENOUGH_OTHERS;

/** Band of the nearest circle with enough machines; the last circle needs a single machine. */
function nearest(kind: ComparedBy, errors: readonly ScoredError[], circles: typeof CIRCLES): Accuracy | null {
  for (const { fields, named } of circles) {
    const near = errors.filter((other) => fields.every((field) => other[field] === kind[field]));
    const machines = new Set(near.map(({ vote }) => vote)).size;
    if (machines < leastOf(fields)) continue;
    // Logarithms: half the speed counts as far off as double speed.
    const votes = sharedVotes(near, ({ error }) => -Math.log(Math.max(NOTHING, 1 + error)));
    const at = (percent: number): number => twelveDigits(Math.exp(votedPercentile(votes, percent, true)));
    return { low: Math.min(1, at(TAIL)), high: Math.max(1, at(100 - TAIL)), rows: near.length, machines, common: named(kind) };
  }
  return null;
}

import { TaskThread } from '../../base/worker-pool.js';
import type { Span, Task, ThreadWork } from './task.js';

/** ms from the announcement until all begin, and ms of one round. */
const LEAD = 20;
const LENGTH = 150;
/** Rounds of a visit that count; the first, in which clocks rise, never does. */
const ROUNDS = 3;
/** Undisturbed rounds of all visits that make a median; if there are fewer, disturbed ones count, too. */
const ENOUGH = 5;
/** A visit ends after this multiple of {@link ROUNDS}, disturbed rounds included. */
const PATIENCE = 3;
/** Largest share of a round for which a thread may wait for a processor undisturbed: well below the 5 % that rates may differ by. */
const DISTURBED = 0.02;

/** A round: all threads for {@link LENGTH} ms. */
export interface Round {
  /** Bytes/s of all threads. */
  readonly rate: number;
  /** The largest part of the round that a thread waited for a processor; null: unknown. */
  readonly waited: number | null;
}

/** A rate and how well rounds agree. */
export interface MeasuredRate {
  /** Bytes/s, the median of the rounds that count. */
  readonly rate: number;
  /** The best median of a visit, bytes/s: what the machine reaches at a time at which nothing else uses its memory. */
  readonly best: number;
  /** Half the width that holds the middle half of the rounds, over the median. */
  readonly spread: number;
  /** Share of the rounds that count in which other programs took processors away; 0 if unknown. */
  readonly disturbed: number;
}

/** One visit: runs one task a thread, round after round, until enough were undisturbed. @param patient false: disturbed rounds count as well */
export async function visit(tasks: readonly Task[], patient = true): Promise<Round[]> {
  const threads = tasks.map((task) => new TaskThread<Span | null, ThreadWork>('measured/measure/measure-worker', task));
  const all = (span: Span | null): Promise<ThreadWork[]> => Promise.all(threads.map((thread, i) => thread.ask(span, tasks[i]!.kind)));
  const together = (): Promise<ThreadWork[]> => {
    const begin = performance.timeOrigin + performance.now() + LEAD;
    return all({ begin, end: begin + LENGTH });
  };
  try {
    // Its work is prepared when a thread answers at all.
    await all(null);
    await together();
    const rounds: Round[] = [];
    const most = patient ? PATIENCE * ROUNDS : ROUNDS;
    while (rounds.filter(isQuiet).length < ROUNDS && rounds.length < most) rounds.push(roundOf(await together(), tasks.length === 1));
    return countedOf(rounds, ROUNDS);
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
}

/** @param alone true: a thread's time on a processor counts; false: all of its time, since the others had its memory meanwhile */
export function roundOf(done: readonly ThreadWork[], alone: boolean): Round {
  const waits = done.map(({ begin, end, waited }) => (waited === null ? null : waited / (end - begin)));
  return {
    rate: done.reduce((sum, { begin, bytes, end, waited }) => sum + (1e3 * bytes) / (end - begin - (alone ? (waited ?? 0) : 0)), 0),
    waited: waits.includes(null) ? null : Math.max(...(waits as number[])),
  };
}

const isQuiet = ({ waited }: Round): boolean => waited === null || waited <= DISTURBED;

/** The given number of rounds in which threads waited least. */
export function countedOf(all: readonly Round[], rounds: number): Round[] {
  return [...all].sort((a, b) => (a.waited ?? 0) - (b.waited ?? 0)).slice(0, rounds);
}

/** The rate of all visits. Undisturbed rounds count alone, if there are enough of them for a median. */
export function rateOf(visits: readonly (readonly Round[])[]): MeasuredRate {
  const rounds = visits.flat();
  const quiet = rounds.filter(isQuiet);
  const counted = quiet.length >= ENOUGH ? quiet : rounds;
  const ratesOf = (some: readonly Round[]): number[] => some.map(({ rate }) => rate).sort((a, b) => a - b);
  const byVisit = visits.map((rounds) => ratesOf(rounds.filter((round) => counted.includes(round)))).filter(({ length }) => length > 1);
  const sorted = ratesOf(counted);
  const rate = at(sorted, 0.5);
  return {
    rate,
    best: Math.max(rate, ...byVisit.map((rates) => at(rates, 0.5))),
    spread: (at(sorted, 0.75) - at(sorted, 0.25)) / 2 / rate,
    disturbed: 1 - counted.filter(isQuiet).length / counted.length,
  };
}

const at = (sorted: readonly number[], share: number): number => sorted[Math.round(share * (sorted.length - 1))]!;

import { TaskThread } from '../../base/worker-pool.js';
import type { Span, Task, ThreadWork } from './task.js';

/** Time before all threads begin, and of a round, ms; ours. */
const LEAD = 20;
const LENGTH = 150;
/** Counted rounds of a visit; ours. The first is left out, as clocks rise. */
const ROUNDS = 3;
/** Undisturbed rounds for a median; with fewer, disturbed rounds count. Ours. */
const ENOUGH = 5;
/** Most rounds of a visit, in multiples of {@link ROUNDS}; ours. */
const PATIENCE = 3;
/** Share of a round without a processor. Ours: well below the 5 % tolerance of rates. */
const DISTURBED = 0.02;

/** A round: {@link LENGTH} ms of all threads. */
export interface Round {
  /** Bytes/s of all threads. */
  readonly rate: number;
  /** Largest share of the round without a processor; null: unknown. */
  readonly waited: number | null;
}

/** A rate and its spread. */
export interface MeasuredRate {
  /** Bytes/s, median of counted rounds. */
  readonly rate: number;
  /** Best median of a visit: the rate of a quiet machine. */
  readonly best: number;
  /** Half the interquartile range over the median. */
  readonly spread: number;
  /** Share of counted rounds disturbed by other programs; 0 if unknown. */
  readonly disturbed: number;
}

/** A visit: a task per thread, round after round. @param patient false: disturbed rounds count */
export async function visit(tasks: readonly Task[], patient = true): Promise<Round[]> {
  const threads = tasks.map((task) => new TaskThread<Span | null, ThreadWork>('measured/measure/measure-worker', task));
  const all = (span: Span | null): Promise<ThreadWork[]> => Promise.all(threads.map((thread, i) => thread.ask(span, tasks[i]!.kind)));
  const together = (): Promise<ThreadWork[]> => {
    const begin = performance.timeOrigin + performance.now() + LEAD;
    return all({ begin, end: begin + LENGTH });
  };
  try {
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

/** @param alone true: waiting time is left out; false: included, since further threads used the memory meanwhile */
export function roundOf(done: readonly ThreadWork[], alone: boolean): Round {
  const waits = done.map(({ begin, end, waited }) => (waited === null ? null : waited / (end - begin)));
  return {
    rate: done.reduce((sum, { begin, bytes, end, waited }) => sum + (1e3 * bytes) / (end - begin - (alone ? (waited ?? 0) : 0)), 0),
    waited: waits.includes(null) ? null : Math.max(...(waits as number[])),
  };
}

const isQuiet = ({ waited }: Round): boolean => waited === null || waited <= DISTURBED;

/** The least disturbed rounds. */
export function countedOf(all: readonly Round[], rounds: number): Round[] {
  return [...all].sort((a, b) => (a.waited ?? 0) - (b.waited ?? 0)).slice(0, rounds);
}

/** Rate of all visits, from undisturbed rounds if enough. */
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

import { formatCount, formatCounted } from '../../base/units.js';

/** Seconds of a rate's window; ours. */
const WINDOW_S = 30;

/** Recent events per second. */
export class LateRate {
  readonly #times: number[] = [];
  readonly #start: number;

  /** @param now seconds, from any origin */
  constructor(now: number) {
    this.#start = now;
  }

  add(now: number): void {
    this.#times.push(now);
    this.#forget(now);
  }

  /** Events per second over {@link WINDOW_S}, or since a later start. */
  at(now: number): number {
    this.#forget(now);
    const seconds = Math.min(WINDOW_S, now - this.#start);
    return seconds <= 0 ? 0 : this.#times.length / seconds;
  }

  #forget(now: number): void {
    while (this.#times[0]! <= now - WINDOW_S) this.#times.shift();
  }
}

/** Progress of a study on a queue. */
export interface QueueStatus {
  readonly total: number;
  /** Cells with an outcome, stored ones included. */
  readonly settled: number;
  readonly failed: number;
  readonly running: number;
  /** Recent cells per second. */
  readonly rate: number;
  readonly workers: number;
  readonly by: ReadonlyMap<string, number>;
}

/** Seconds until all cells are settled; null: unknown. */
export function secondsLeft({ rate, settled, total }: Pick<QueueStatus, 'rate' | 'settled' | 'total'>): number | null {
  if (settled >= total) return 0;
  return rate > 0 ? (total - settled) / rate : null;
}

/** Most workers named; ours. */
const NAMED = 3;

/** Text after the bar: `12 running, 3 failed, 84/s, 69 s left, 3 workers: ann-1 400, bob-2 380, +1`. */
export function queueAside(status: QueueStatus): string {
  const { by, failed, rate, running, workers } = status;
  const left = secondsLeft(status);
  const ranked = [...by].sort(([a, count], [b, other]) => other - count || (a < b ? -1 : 1));
  const named = ranked.slice(0, NAMED).map(([name, cells]) => `${name} ${formatCount(cells)}`);
  const more = ranked.length > NAMED ? [`+${ranked.length - NAMED}`] : [];
  const who = workers === 0 ? 'no worker yet' : formatCounted(workers, 'worker');
  return [
    `${formatCount(running)} running`,
    ...(failed > 0 ? [`${formatCount(failed)} failed`] : []),
    ...(rate > 0 ? [`${rate >= 10 ? formatCount(Math.round(rate)) : rate.toFixed(1)}/s`] : []),
    ...(left === null || left === 0 ? [] : [`${durationText(left)} left`]),
    named.length === 0 ? who : `${who}: ${[...named, ...more].join(', ')}`,
  ].join(', ');
}

function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

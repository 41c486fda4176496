import { nextTurn } from './host/clock.js';

/** Callbacks during long work: progress, and a turn of the event loop, without which work that never waits would block signals. */
export interface WorkWatch {
  progress?(done: number, total: number): void;
  /** Awaited now and then, so that signals and timers get their turn. */
  breathe?(): Promise<void>;
}

/** Longest time that work may block timers and signals, ms. */
const BREATH = 50;

/** A `breathe` for work that calls it often: it waits for a turn of the event loop if the last one is {@link BREATH} ago. */
export function breathing(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < BREATH) return;
    await nextTurn();
    last = performance.now();
  };
}

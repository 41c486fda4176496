import { nextTurn } from './host/clock.js';

/** Callbacks during long work: progress, and turns of the event loop, without which long work would block signals. */
export interface WorkWatch {
  progress?(done: number, total: number): void;
  /** Awaited now and then, so that signals and timers get a turn. */
  breathe?(): Promise<void>;
}

/** Longest block of timers and signals, ms. Ours. */
const BREATH = 50;

/** Frequently callable `breathe`: waits for a turn of the event loop {@link BREATH} after the last turn. */
export function breathing(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < BREATH) return;
    await nextTurn();
    last = performance.now();
  };
}

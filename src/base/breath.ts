// Pauses in work that never waits: without them neither signals nor timers would be handled until it ends.
import { nextTurn } from './host/clock.js';

/** Longest time that work may block timers and signals, ms. */
const BREATH = 50;

/** A `breathe` for work that calls it often: it waits for a turn of the event loop where the last one is {@link BREATH} ago. */
export function breathing(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < BREATH) return;
    await nextTurn();
    last = performance.now();
  };
}

import { nextTurn } from './host/clock.js';

/** Callbacks during long work; without turns of the event loop signals would wait. */
export interface WorkWatch {
  progress?(done: number, total: number): void;
  /** Awaited now and then, for signals and timers. */
  breathe?(): Promise<void>;
  /** Receives a remark on an input. */
  note?(text: string): void;
}

/** Longest block of timers and signals, ms. Ours. */
const BREATH = 50;

/** `breathe` that waits for the event loop every {@link BREATH} ms. */
export function breathing(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < BREATH) return;
    await nextTurn();
    last = performance.now();
  };
}

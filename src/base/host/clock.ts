import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';

/** Waits for a turn of the event loop, which handles signals and timers. */
export const nextTurn: () => Promise<void> = () => turn();
/** Waits. @throws if the signal ends the wait */
export const sleep: (ms: number, signal?: AbortSignal) => Promise<void> = (ms, signal) =>
  pause(ms, undefined, signal === undefined ? {} : { signal });
/** Pause before a try, ms; ours. */
const PAUSE = 50;
/** Most time since signals were handled, ms; ours. */
const QUIET = 1;
/** Calls a function just after signals were handled: a listener removed later drops those that came. */
export function whenQuiet(call: () => void): void {
  setTimeout(() => {
    const begunMs = performance.now();
    setImmediate(() => (performance.now() - begunMs < QUIET ? call() : whenQuiet(call)));
  }, PAUSE).unref();
}
/** Calls a function after the running call stack, before promises and events. */
export const afterThis: (call: () => void) => void = (call) => process.nextTick(call);
/** While the process is otherwise alive. @returns function that stops the calls */
export function whileAlive(call: () => void, ms: number): () => void {
  const ticking = setInterval(call, ms).unref();
  return () => clearInterval(ticking);
}
/** Blocks this thread. */
export function pauseThread(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';

/** Waits for a turn of the event loop, which handles signals and timers. */
export const nextTurn: () => Promise<void> = () => turn();
/** Waits. @throws if the signal ends the wait */
export const sleep: (ms: number, signal?: AbortSignal) => Promise<void> = (ms, signal) =>
  pause(ms, undefined, signal === undefined ? {} : { signal });
/** Calls a function in the next turn of the event loop. */
export const inNextTurn: (call: () => void) => void = (call) => void setImmediate(call);
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

import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';

/** Waits for a turn of the event loop, in which signals and timers are handled. */
export const nextTurn: () => Promise<void> = () => turn();
/** Waits. @throws if the signal ends it before */
export const sleep: (ms: number, signal?: AbortSignal) => Promise<void> = (ms, signal) =>
  pause(ms, undefined, signal === undefined ? {} : { signal });
/** Calls a function in the next turn of the event loop. */
export const inNextTurn: (call: () => void) => void = (call) => void setImmediate(call);
/** Calls a function when the running one has ended, before anything else is handled. */
export const afterThis: (call: () => void) => void = (call) => process.nextTick(call);
/** Calls a function again and again, as long as something else keeps the process alive. @returns what ends it */
export function whileAlive(call: () => void, ms: number): () => void {
  const ticking = setInterval(call, ms).unref();
  return () => clearInterval(ticking);
}
/** Blocks this thread. */
export function pauseThread(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

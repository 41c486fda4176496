// Turns and pauses of a page.

export const nextTurn = (): Promise<void> => sleep(0);
export const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const ending = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(ending);
      reject(new Error('the pause was ended'));
    });
  });
export const whenQuiet = (call: () => void): void => void setTimeout(call, 0);
export const afterThis = (call: () => void): void => queueMicrotask(call);
export function whileAlive(call: () => void, ms: number): () => void {
  const ticking = setInterval(call, ms);
  return () => clearInterval(ticking);
}
/** Busy-waits, since pages cannot sleep. */
export function pauseThread(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

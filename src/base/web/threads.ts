// A page computes in one thread: shared memory needs headers that plain file servers do not send.
import type { ScriptThread, Thread, ThreadModule, ThreadPort } from '../host/threads.js';
import { notOnPages } from './modules.js';

export const parentPort: ThreadPort | null = null;
export const workerData: unknown = null;
export const hasThread = (_module: ThreadModule): boolean => false;
export function startThread(module: ThreadModule, _given: unknown, _sharesEnvironment = false): Thread {
  throw notOnPages(module);
}
export function startScript(_script: (thread: ScriptThread) => void, _given: unknown, _moved: readonly ThreadPort[]): Thread {
  throw notOnPages('a thread');
}
export function connection(): { readonly port1: ThreadPort; readonly port2: ThreadPort } {
  throw notOnPages('a thread');
}
export const receiveMessage: ScriptThread['receive'] = () => undefined;

const KEPT = new Map<string, unknown>();
export const inherited = (name: string): unknown => KEPT.get(name);
export const passOn = (name: string, value: unknown): void => void KEPT.set(name, value);

export const sharedMemory = (bytes: number): ArrayBufferLike => new ArrayBuffer(bytes);

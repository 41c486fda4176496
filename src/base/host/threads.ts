import fs from 'node:fs';
import path from 'node:path';
import * as workers from 'node:worker_threads';
import { openFilesLimit } from './command.js';
import { CODE_FOLDER } from './modules.js';

/** Thread modules: paths in our code, without an ending. */
export type ThreadModule =
  | 'capacity/worker'
  | 'study/workers/run-worker'
  | 'measured/measure/measure-worker'
  | 'measured/validate/rows-worker';

/** End of a connection. */
export interface ThreadPort {
  postMessage(message: unknown): void;
  on(event: 'message', hear: (message: never) => void): unknown;
  once(event: 'message', hear: (message: never) => void): unknown;
  unref(): void;
  close(): void;
}

/** Thread as seen by its starter. Threads may share memory. */
export interface Thread {
  postMessage(message: unknown): void;
  on(event: 'message' | 'error' | 'exit', hear: (value: never) => void): unknown;
  once(event: 'message' | 'error' | 'exit', hear: (value: never) => void): unknown;
  off(event: 'message' | 'error' | 'exit', hear: (value: never) => void): unknown;
  terminate(): Promise<unknown>;
  unref(): void;
}

/** Inputs of a script run by {@link startScript}. */
export interface ScriptThread {
  load(name: string): unknown;
  /** Oldest waiting message, or undefined. */
  receive(port: ThreadPort): { readonly message: unknown } | undefined;
  readonly given: unknown;
}

/** Connection to the parent thread, or null. */
export const parentPort: ThreadPort | null = workers.parentPort as ThreadPort | null;
/** Start data of this thread. */
export const workerData: unknown = workers.workerData;

const placeOf = (module: ThreadModule): string => path.join(CODE_FOLDER, `${module}.js`);

/** Open files below which no thread starts: Node ends the process if a thread finds no descriptor. */
const FILES_OF_THREADS = 128;

/** True in the built moeprof, if its files fit the limit. */
export const hasThread = (module: ThreadModule): boolean => fs.existsSync(placeOf(module)) && openFilesLimit() >= FILES_OF_THREADS;

/** Starts a thread, with a copy of the environment unless `sharesEnvironment`. */
export const startThread = (module: ThreadModule, given: unknown, sharesEnvironment = false): Thread =>
  new workers.Worker(placeOf(module), {
    workerData: given,
    ...(sharesEnvironment ? { env: workers.SHARE_ENV } : {}),
  }) as unknown as Thread;

/** Starts a thread that runs a function's text. @param moved ports of `given` that leave this thread */
export function startScript(script: (thread: ScriptThread) => void, given: unknown, moved: readonly ThreadPort[]): Thread {
  const text = `const { receiveMessageOnPort: receive, workerData: given } = require('node:worker_threads'); (${script.toString()})({ load: require, receive, given })`;
  const transferList = moved as unknown as workers.MessagePort[];
  return new workers.Worker(text, { eval: true, workerData: given, transferList }) as unknown as Thread;
}

/** Two connected ends. */
export const connection: () => { readonly port1: ThreadPort; readonly port2: ThreadPort } = () =>
  new workers.MessageChannel() as unknown as { readonly port1: ThreadPort; readonly port2: ThreadPort };
/** Oldest waiting message, or undefined. */
export const receiveMessage: ScriptThread['receive'] = (port) => workers.receiveMessageOnPort(port as unknown as workers.MessagePort);

/** Value passed on by the parent thread. */
export const inherited: (name: string) => unknown = (name) => workers.getEnvironmentData(name);
/** Passes a value to threads started later. */
export const passOn: (name: string, value: unknown) => void = (name, value) =>
  workers.setEnvironmentData(name, value as workers.Serializable);

/** Zeroed memory for threads to share. */
export const sharedMemory: (bytes: number) => ArrayBufferLike = (bytes) => new SharedArrayBuffer(bytes);

import fs from 'node:fs';
import path from 'node:path';
import * as workers from 'node:worker_threads';
import { openFilesLimit } from './command.js';
import { CODE_FOLDER } from './modules.js';

/** Modules for threads: paths in our code, without an ending. */
export type ThreadModule =
  | 'capacity/worker'
  | 'study/workers/run-worker'
  | 'measured/measure/measure-worker'
  | 'measured/validate/rows-worker';

/** End of a connection between threads. */
export interface ThreadPort {
  postMessage(message: unknown): void;
  on(event: 'message', hear: (message: never) => void): unknown;
  once(event: 'message', hear: (message: never) => void): unknown;
  unref(): void;
  close(): void;
}

/** Thread as seen by its starter. Threads may share memory; their modules exist only in the built moeprof. */
export interface Thread {
  postMessage(message: unknown): void;
  on(event: 'message' | 'error' | 'exit', hear: (value: never) => void): unknown;
  once(event: 'message' | 'error' | 'exit', hear: (value: never) => void): unknown;
  off(event: 'message' | 'error' | 'exit', hear: (value: never) => void): unknown;
  terminate(): Promise<unknown>;
  unref(): void;
}

/** Inputs of a script run by {@link startScript}: a package loader, and start data. */
export interface ScriptThread {
  load(name: string): unknown;
  /** Oldest waiting message, or undefined. */
  receive(port: ThreadPort): { readonly message: unknown } | undefined;
  readonly given: unknown;
}

/** Connection to the parent thread; null: the first thread. */
export const parentPort: ThreadPort | null = workers.parentPort as ThreadPort | null;
/** Start data of this thread. */
export const workerData: unknown = workers.workerData;

const placeOf = (module: ThreadModule): string => path.join(CODE_FOLDER, `${module}.js`);

/** Open files below which no thread starts: Node ends the whole process if a thread finds no free descriptor. */
const FILES_OF_THREADS = 128;

/** True if the module exists and its files fit the limit; moeprof run from TypeScript sources has no such module. */
export const hasThread = (module: ThreadModule): boolean => fs.existsSync(placeOf(module)) && openFilesLimit() >= FILES_OF_THREADS;

/** Starts a thread. Its environment is a copy, or shared with `sharesEnvironment`, as some libraries need. */
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
/** Oldest waiting message at an end, or undefined. */
export const receiveMessage: ScriptThread['receive'] = (port) => workers.receiveMessageOnPort(port as unknown as workers.MessagePort);

/** Value passed on by the parent thread under a name. */
export const inherited: (name: string) => unknown = (name) => workers.getEnvironmentData(name);
/** Passes a value under a name to threads started later. */
export const passOn: (name: string, value: unknown) => void = (name, value) =>
  workers.setEnvironmentData(name, value as workers.Serializable);

/** Zeroed memory that threads can share. */
export const sharedMemory: (bytes: number) => ArrayBufferLike = (bytes) => new SharedArrayBuffer(bytes);

import fs from 'node:fs';
import path from 'node:path';
import * as workers from 'node:worker_threads';
import { openFilesLimit } from './command.js';
import { CODE_FOLDER } from './modules.js';

/** Modules that run in threads: their paths in our code, without an ending. */
export type ThreadModule =
  | 'capacity/worker'
  | 'study/workers/run-worker'
  | 'measured/measure/measure-worker'
  | 'measured/validate/rows-worker';

/** The end of a connection between threads. */
export interface ThreadPort {
  postMessage(message: unknown): void;
  on(event: 'message', hear: (message: never) => void): unknown;
  once(event: 'message', hear: (message: never) => void): unknown;
  unref(): void;
  close(): void;
}

/** Threads, and memory that they share. A thread runs a module that only the built moeprof has. A thread, as the one that has started it sees it. */
export interface Thread {
  postMessage(message: unknown): void;
  on(event: 'message' | 'error' | 'exit', hear: (value: never) => void): unknown;
  once(event: 'message' | 'error' | 'exit', hear: (value: never) => void): unknown;
  off(event: 'message' | 'error' | 'exit', hear: (value: never) => void): unknown;
  terminate(): Promise<unknown>;
  unref(): void;
}

/** What a script that {@link startScript} runs is given: what loads packages, and what a thread starts with. */
export interface ScriptThread {
  load(name: string): unknown;
  /** The oldest message that waits; undefined: none does. */
  receive(port: ThreadPort): { readonly message: unknown } | undefined;
  readonly given: unknown;
}

/** The connection to the thread that has started this one; null: this is the first. */
export const parentPort: ThreadPort | null = workers.parentPort as ThreadPort | null;
/** What this thread was started with. */
export const workerData: unknown = workers.workerData;

const placeOf = (module: ThreadModule): string => path.join(CODE_FOLDER, `${module}.js`);

/** Open files below which no thread is started: Node ends the whole process if a thread finds no descriptor for its files. */
const FILES_OF_THREADS = 128;

/** True if there is a module to run in threads, and room for its files: moeprof run from its TypeScript sources has none. */
export const hasThread = (module: ThreadModule): boolean => fs.existsSync(placeOf(module)) && openFilesLimit() >= FILES_OF_THREADS;

/** Starts a thread. Its environment is a copy, unless it `sharesEnvironment`, as libraries need that read it by themselves. */
export const startThread = (module: ThreadModule, given: unknown, sharesEnvironment = false): Thread =>
  new workers.Worker(placeOf(module), {
    workerData: given,
    ...(sharesEnvironment ? { env: workers.SHARE_ENV } : {}),
  }) as unknown as Thread;

/** Starts a thread that runs the text of a function. @param moved what of `given` is no longer ours */
export function startScript(script: (thread: ScriptThread) => void, given: unknown, moved: readonly ThreadPort[]): Thread {
  const text = `const { receiveMessageOnPort: receive, workerData: given } = require('node:worker_threads'); (${script.toString()})({ load: require, receive, given })`;
  const transferList = moved as unknown as workers.MessagePort[];
  return new workers.Worker(text, { eval: true, workerData: given, transferList }) as unknown as Thread;
}

/** Two connected ends. */
export const connection: () => { readonly port1: ThreadPort; readonly port2: ThreadPort } = () =>
  new workers.MessageChannel() as unknown as { readonly port1: ThreadPort; readonly port2: ThreadPort };
/** The oldest message that waits at an end; undefined: none does. */
export const receiveMessage: ScriptThread['receive'] = (port) => workers.receiveMessageOnPort(port as unknown as workers.MessagePort);

/** What the thread that has started this one keeps under a name for its threads. */
export const inherited: (name: string) => unknown = (name) => workers.getEnvironmentData(name);
/** Keeps a value under a name for threads that this one starts from now on. */
export const passOn: (name: string, value: unknown) => void = (name, value) =>
  workers.setEnvironmentData(name, value as workers.Serializable);

/** Memory that threads can share, zeroed. */
export const sharedMemory: (bytes: number) => ArrayBufferLike = (bytes) => new SharedArrayBuffer(bytes);

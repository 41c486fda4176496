// Programs and processes beside this one.

import childProcess from 'node:child_process';
import path from 'node:path';
import { CODE_FOLDER } from './modules.js';
import type { Environment } from './process.js';

/** How a script in a process of its own ended. */
export interface ScriptEnd {
  /** What it wrote to standard error; null unless that was asked for. */
  readonly stderr: string | null;
  /** Exit code; null: a signal has ended it. */
  readonly status: number | null;
  readonly signal: string | null;
  /** Why it could not be started, or that it took too long (`ETIMEDOUT`). */
  readonly error?: Error;
}

/** Settings of a script. */
export interface ScriptOptions {
  /** Most time, ms. */
  readonly timeout: number;
  /** What ends it then; `SIGTERM` unless said. */
  readonly killSignal?: 'SIGKILL';
  /** Heap that it may have, MiB; Node's own limit unless said. */
  readonly heapMib?: number;
  /** Environment variables beside ours. */
  readonly env?: Environment;
  /** True: what it writes to standard error is kept. */
  readonly stderr?: boolean;
}

/** Runs a script, an ECMAScript module, in a process of its own, and waits for it. */
export function runScript(script: string, { env = {}, heapMib, killSignal, stderr = false, timeout }: ScriptOptions): ScriptEnd {
  const heap = heapMib === undefined ? [] : [`--max-old-space-size=${heapMib}`];
  const ended = childProcess.spawnSync(process.execPath, [...heap, '--no-warnings', '--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout,
    ...(killSignal === undefined ? {} : { killSignal }),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', stderr ? 'pipe' : 'ignore'],
  });
  const { error, signal, status } = ended;
  return { stderr: ended.stderr, status, signal, ...(error === undefined ? {} : { error }) };
}

/** The program that runs us. */
export const OWN_PROGRAM: string = process.execPath;

/**
 * The output of a program.
 * @param complains keeps what it writes to standard error, as `stderr` of the error
 * @throws Error with `code` where there is no such program, or with `stderr` where it fails
 */
export function outputOf(program: string, args: readonly string[], complains = false): string {
  return childProcess.execFileSync(program, args, {
    encoding: 'utf8',
    ...(complains ? { maxBuffer: 2 ** 30 } : {}),
    stdio: ['ignore', 'pipe', complains ? 'pipe' : 'ignore'],
  });
}

/** {@link outputOf}, in the time of others, and with limits. @throws Error with `killed` where it takes too long */
export function outputLater(
  program: string,
  args: readonly string[],
  { env, mostBytes, timeout }: { readonly env: Environment; readonly mostBytes: number; readonly timeout: number },
): Promise<string> {
  const options = { env: { ...process.env, ...env }, timeout, killSignal: 'SIGKILL', maxBuffer: mostBytes, windowsHide: true } as const;
  return new Promise((resolve, reject) => {
    childProcess.execFile(program, args, options, (error, stdout) => (error === null ? resolve(stdout) : reject(error))).stdin?.end();
  });
}

/** A process of ours, as the one that has started it sees it. */
export interface OwnProcess {
  /** False where nothing more can be sent. */
  readonly connected: boolean;
  /** Sends a message; one that cannot arrive is dropped. */
  send(message: unknown): void;
  /** Lets it end. */
  disconnect(): void;
}

/** What is heard of a process. */
export interface ProcessEars {
  message(said: unknown): void;
  /** A part of what it writes to standard error. */
  stderr(text: string): void;
  error(error: Error): void;
  /** It has ended, by itself or by a signal. */
  close(code: number | null, signal: string | null): void;
}

/** Starts a process that runs a module of ours; its environment is a copy. @param module its path in our code, without an ending */
export function startProcess(module: 'study/workers/queue-child', ears: ProcessEars): OwnProcess {
  const child = childProcess.fork(path.join(CODE_FOLDER, `${module}.js`), {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  child.stderr!.on('data', (chunk: { toString(): string }) => ears.stderr(chunk.toString()));
  child.on('message', (said) => ears.message(said));
  child.on('error', (error) => ears.error(error));
  child.on('close', (code, signal) => ears.close(code, signal));
  return {
    get connected() {
      return child.connected;
    },
    send: (message) => void child.send(message as childProcess.Serializable, () => undefined),
    disconnect: () => child.disconnect(),
  };
}

/** The connection to the process that has started this one; null: nothing has. */
export const parentProcess: {
  send(message: unknown): void;
  onMessage(hear: (message: never) => void): void;
  onDisconnect(hear: () => void): void;
} | null =
  process.send === undefined
    ? null
    : {
        send: (message) => void process.send!(message),
        onMessage: (hear) => void process.on('message', hear as (message: unknown) => void),
        onDisconnect: (hear) => void process.on('disconnect', hear),
      };

// Programs and scripts beside this process.

import childProcess from 'node:child_process';
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

import childProcess from 'node:child_process';
import type { Environment } from './process.js';

/** How a script in a process of its own ended. */
export interface ScriptEnd {
  /** What it wrote to standard error; null unless requested. */
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
  /** What ends it then; `SIGTERM` by default. */
  readonly killSignal?: 'SIGKILL';
  /** Heap that it may have, MiB; Node's limit by default. */
  readonly heapMib?: number;
  /** Environment variables in addition to ours. */
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

/** The output of a program. @param complains keeps its standard error, as `stderr` of the error @throws Error with `code` or `stderr` if it fails */
export const outputOf = (program: string, args: readonly string[], complains = false): string =>
  childProcess.execFileSync(program, args, {
    encoding: 'utf8',
    ...(complains ? { maxBuffer: 2 ** 30 } : {}),
    stdio: ['ignore', 'pipe', complains ? 'pipe' : 'ignore'],
  });

interface ProgramLimits {
  /** Environment variables in addition to ours. */
  readonly env?: Environment;
  readonly mostBytes: number;
  /** Most time, ms. */
  readonly timeout: number;
}

/** How a program ended. */
export interface ProgramEnd {
  readonly stdout: string;
  /** The last 64 KiB that it wrote to standard error. */
  readonly stderr: string;
  /** Exit code; null: a signal has ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** True: it took too long, and was ended. */
  readonly late: boolean;
}

/** Bytes that are kept of what a program complains. */
const COMPLAINTS = 2 ** 16;

/** Runs a program to its end, without a shell; what it has started ends with it. @throws Error if it cannot be started, or prints too much */
export function programEnd(program: string, args: readonly string[], { env, mostBytes, timeout }: ProgramLimits): Promise<ProgramEnd> {
  // If there are groups of processes, the program leads one of its own, which is killed as a whole.
  const detached = process.platform !== 'win32';
  return new Promise((resolve, reject) => {
    const child = childProcess.spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      detached,
    });
    const parts: Uint8Array[] = [];
    let [bytes, stderr, late] = [0, '', false];
    const endAll = (): void => {
      for (const signal of ENDINGS) process.off(signal, interrupted);
      clearTimeout(timer);
      child.stdout.destroy();
      child.stderr.destroy();
      try {
        if (child.pid !== undefined) process.kill(detached ? -child.pid : child.pid, 'SIGKILL');
      } catch {
        // Nothing is left of it.
      }
    };
    const fail = (error: Error): void => {
      endAll();
      reject(error);
    };
    // Ctrl-C does not reach another group; this process ends by it as it would have, once none of these hears it.
    const interrupted = (signal: NodeJS.Signals): void => {
      endAll();
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    };
    for (const signal of ENDINGS) process.on(signal, interrupted);
    const timer = setTimeout(() => {
      late = true;
      endAll();
    }, timeout);
    child.on('error', fail);
    child.stderr.on('data', (part: Uint8Array) => {
      stderr = `${stderr}${Buffer.from(part).toString()}`.slice(-COMPLAINTS);
    });
    child.stdout.on('data', (part: Uint8Array) => {
      parts.push(part);
      bytes += part.length;
      if (bytes > mostBytes) fail(new Error(`${program} prints too much`));
    });
    child.on('close', (code, signal) => {
      endAll();
      resolve({ stdout: Buffer.concat(parts).toString(), stderr, code, signal, late });
    });
  });
}

const ENDINGS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

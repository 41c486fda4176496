import childProcess from 'node:child_process';
import type { Environment } from './process.js';

/** End of a script. */
export interface ScriptEnd {
  /** Standard error; null unless requested. */
  readonly stderr: string | null;
  /** Exit code; null: ended by a signal. */
  readonly status: number | null;
  readonly signal: string | null;
  /** Failure to start, or a timeout (`ETIMEDOUT`). */
  readonly error?: Error;
}

/** Settings of a script. */
export interface ScriptOptions {
  /** Time limit, ms. */
  readonly timeout: number;
  /** Signal at the time limit; `SIGTERM` by default. */
  readonly killSignal?: 'SIGKILL';
  /** Heap limit, MiB; Node's by default. */
  readonly heapMib?: number;
  /** In addition to ours. */
  readonly env?: Environment;
  readonly stderr?: boolean;
}

/** Runs an ECMAScript module in a separate process and waits. */
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

/** Path of the running Node program. */
export const OWN_PROGRAM: string = process.execPath;

/** Output of a program. @param complains keeps standard error in the error @throws Error with `code` or `stderr` */
export const outputOf = (program: string, args: readonly string[], complains = false): string =>
  childProcess.execFileSync(program, args, {
    encoding: 'utf8',
    ...(complains ? { maxBuffer: 2 ** 30 } : {}),
    stdio: ['ignore', 'pipe', complains ? 'pipe' : 'ignore'],
  });

/** Limits of a program. */
export interface ProgramLimits {
  /** In addition to ours. */
  readonly env?: Environment;
  readonly mostBytes: number;
  /** Time limit, ms. */
  readonly timeout: number;
  /** Work with the running program, and then SIGINT; absent: none. @param over aborted at the program's end */
  readonly meanwhile?: (over: AbortSignal) => Promise<void>;
}

/** End of a program. */
export interface ProgramEnd {
  readonly stdout: string;
  /** Last 64 KiB of standard error. */
  readonly stderr: string;
  /** Exit code; null: ended by a signal; 0 after SIGINT by `meanwhile`. */
  readonly code: number | null;
  readonly signal: string | null;
  /** True: ended at the time limit. */
  readonly late: boolean;
}

/** Bytes kept of standard error. */
const COMPLAINTS = 2 ** 16;
/** Time limit after SIGINT, ms; ours. */
const GRACE = 60_000;

/**
 * Runs a program without a shell; its children end with it. @throws Error if the program cannot start, or prints too
 * much
 */
export function programEnd(
  program: string,
  args: readonly string[],
  { env, meanwhile, mostBytes, timeout }: ProgramLimits,
): Promise<ProgramEnd> {
  // A process group is killed as a whole.
  const detached = process.platform !== 'win32';
  return new Promise((resolve, reject) => {
    const child = childProcess.spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      detached,
    });
    const parts: Uint8Array[] = [];
    let [bytes, stderr, late, interrupting] = [0, '', false, false];
    const over = new AbortController();
    const send = (signal: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(detached ? -child.pid : child.pid, signal);
      } catch {
        // Already gone.
      }
    };
    const endAll = (): void => {
      over.abort();
      for (const signal of ENDINGS) process.off(signal, interrupted);
      clearTimeout(timer);
      child.stdout.destroy();
      child.stderr.destroy();
      send('SIGKILL');
    };
    const fail = (error: Error): void => {
      endAll();
      reject(error);
    };
    // Ctrl-C does not reach a separate group; this process ends by the signal once no program listens.
    const interrupted = (signal: NodeJS.Signals): void => {
      endAll();
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    };
    for (const signal of ENDINGS) process.on(signal, interrupted);
    let timer = setTimeout(() => {
      late = true;
      endAll();
    }, timeout);
    meanwhile?.(over.signal).then(() => {
      if (over.signal.aborted) return;
      interrupting = true;
      clearTimeout(timer);
      timer = setTimeout(endAll, GRACE);
      send('SIGINT');
    }, fail);
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
      const end = interrupting ? { code: 0, signal: null } : { code, signal };
      resolve({ stdout: Buffer.concat(parts).toString(), stderr, ...end, late });
    });
  });
}

const ENDINGS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

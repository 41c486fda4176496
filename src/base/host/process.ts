// This process: its environment and place, its output, and what ends it.
import { viewedFolder } from './view.js';

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A stream that a command writes to. */
export interface OutStream {
  /** True where it is a terminal. */
  readonly isTTY?: boolean;
  /** Columns of the terminal. */
  readonly columns?: number;
  write(text: string): unknown;
  on(event: 'error', hear: (error: Error) => void): unknown;
}

/** Environment variables of this process. */
export const env: Environment = process.env;
/** Sets an environment variable, for libraries that read it, where nobody has. */
export function setDefaultEnv(name: string, value: string): void {
  process.env[name] ??= value;
}
/** Number of this process. */
export const pid: number = process.pid;
/** The words of the command line. */
export const words = (): string[] => process.argv.slice(2);
/** The working directory of the files that this process sees. */
export const cwd: () => string = () => viewedFolder() ?? process.cwd();

/** Files that this process may have open at a time. */
export function openFilesLimit(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft: number | 'unlimited' } } };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY;
}

/** Standard output. */
export const stdout = (): OutStream => process.stdout;
/** Standard error. */
export const stderr = (): OutStream => process.stderr;

/** What may come to this process from outside, or from within. */
export type ProcessEvent = 'SIGHUP' | 'SIGINT' | 'SIGTERM' | 'exit' | 'uncaughtException';

/** Hears of an event. @returns what ends that */
export function listen(event: ProcessEvent, hear: (value: unknown) => void): () => void {
  process.on(event, hear);
  return () => process.off(event, hear);
}

/** Ends this process. */
export const exit: (code: number) => never = (code) => process.exit(code);
/** Sets the exit code of the end that comes when nothing is left to do. */
export function setExitCode(code: number): void {
  process.exitCode = code;
}
/** Sends this process a signal. */
export const killSelf: (signal: string) => void = (signal) => void process.kill(process.pid, signal);
/** True where a process of this machine runs. */
export function isRunning(other: number): boolean {
  try {
    return process.kill(other, 0);
  } catch (error) {
    return (error as { readonly code?: string }).code !== 'ESRCH';
  }
}
/** From now on a call of `process.exit` throws the error that `refusal` makes of it, if it makes one. */
export function refuseExit(refusal: (call: Error) => Error | null): void {
  const { exit: own } = process;
  process.exit = (code) => {
    const refused = refusal(new Error(`process.exit(${code ?? ''}) would end all runs`));
    if (refused !== null) throw refused;
    return own.call(process, code);
  };
}

/** Processor time of this process so far, ms. */
export function processorMs(): number {
  const { system, user } = process.cpuUsage();
  return (system + user) / 1000;
}

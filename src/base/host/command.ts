import fs from 'node:fs';

/** A stream that a command writes to. */
export interface OutStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
  on(event: 'error', hear: (error: Error) => void): unknown;
}

/** The words of the command line. */
export const words = (): string[] => process.argv.slice(2);
/** Standard output. */
export const stdout = (): OutStream => process.stdout;
/** Standard error. */
export const stderr = (): OutStream => process.stderr;

/** Sets the exit code of the end that comes when nothing is left to do. */
export function setExitCode(code: number): void {
  process.exitCode = code;
}
/** Sends this process a signal. */
export const killSelf: (signal: string) => void = (signal) => void process.kill(process.pid, signal);

/** Files that this process may have open at a time. Linux has a file of it, which is read a hundred times as fast as a report. */
export function openFilesLimit(): number {
  try {
    const [, most] = /^Max open files +(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8')) ?? [];
    if (most !== undefined) return Number(most);
  } catch {
    // Another system.
  }
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft: number | 'unlimited' } } };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY;
}

/** Processor time of this process so far, ms. */
export function processorMs(): number {
  const { system, user } = process.cpuUsage();
  return (system + user) / 1000;
}

import fs from 'node:fs';

/** Output stream of a command. */
export interface OutStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
  on(event: 'error', hear: (error: Error) => void): unknown;
}

/** Words of the command line. */
export const words = (): string[] => process.argv.slice(2);
/** Standard output. */
export const stdout = (): OutStream => process.stdout;
/** Standard error. */
export const stderr = (): OutStream => process.stderr;

/** Sets the exit code for a regular end. */
export function setExitCode(code: number): void {
  process.exitCode = code;
}
/** Sends this process a signal. */
export const killSelf: (signal: string) => void = (signal) => void process.kill(process.pid, signal);

/** Most open files of this process. Linux' limits file is read a hundred times faster than a report. */
export function openFilesLimit(): number {
  try {
    const [, most] = /^Max open files +(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8')) ?? [];
    if (most !== undefined) return Number(most);
  } catch {
    // Not Linux.
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

// A page as a process: no environment, no end.
import type { Environment, ProcessEvent } from '../host/process.js';

export const env: Environment = {};
/** Libraries that read the environment do not run on pages. */
export function setDefaultEnv(_name: string, _value: string): void {}
export const pid: number = 1;
export const cwd = (): string => '/files';

export const listen =
  (_event: ProcessEvent, _hear: (value: unknown) => void): (() => void) =>
  () =>
    undefined;
export function exit(code: number): never {
  throw new Error(`a page does not end with ${code}`);
}
export const isRunning = (other: number): boolean => other === pid;
export function refuseExit(_refusal: (call: Error) => Error | null): void {}

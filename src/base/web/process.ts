// A page as a process: nothing ends it, and nothing reads what it prints.
import type { Environment, OutStream, ProcessEvent } from '../host/process.js';

export const env: Environment = {};
/** Libraries that read the environment are not on a page. */
export function setDefaultEnv(_name: string, _value: string): void {}
export const pid: number = 1;
export const words = (): string[] => [];
export const cwd = (): string => '/files';

export const openFilesLimit = (): number => Number.POSITIVE_INFINITY;

const silent: OutStream = { write: () => true, on: () => undefined };
export const stdout = (): OutStream => silent;
export const stderr = (): OutStream => silent;

export const listen =
  (_event: ProcessEvent, _hear: (value: unknown) => void): (() => void) =>
  () =>
    undefined;
export function exit(code: number): never {
  throw new Error(`a page does not end with ${code}`);
}
export function setExitCode(_code: number): void {}
export function killSelf(_signal: string): void {}
export const isRunning = (other: number): boolean => other === pid;
export function refuseExit(_refusal: (call: Error) => Error | null): void {}
export const processorMs = (): number => performance.now();

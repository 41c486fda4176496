// A page: it has one processor for us, no signals, and folders of its own.
import type { Environment, OutStream, ProcessEvent } from '../host/system.js';

export const env: Environment = {};
/** Libraries that read the environment are not on a page. */
export function setDefaultEnv(_name: string, _value: string): void {}
export const platform: string = 'web';
export const arch: string = 'any';
export const runtimeVersion: string = 'web';
export const pid: number = 1;
export const words = (): string[] => [];
export const cwd = (): string => '/files';

export const availableParallelism = (): number => 1;
export const cpus = (): readonly { readonly model: string }[] => [];
export const totalmem = (): number => 2 ** 32;
export const hostname = (): string => 'web';
export const homedir = (): string => '/home';
export const tmpdir = (): string => '/tmp';
export const openFilesLimit = (): number => Number.POSITIVE_INFINITY;

export const isatty = (_fd: number): boolean => false;
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

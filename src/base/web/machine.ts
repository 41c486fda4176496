// Machine of a page: one processor and virtual folders.

export const platform: string = 'web';
export const arch: string = 'any';
export const runtimeVersion: string = 'web';
export const availableParallelism = (): number => 1;
export const cpus = (): readonly { readonly model: string }[] => [];
export const totalmem = (): number => 2 ** 32;
export const hostname = (): string => 'web';
export const homedir = (): string => '/home';
export const tmpdir = (): string => '/tmp';
export const isatty = (_fd: number): boolean => false;
/** Page compilers take no options. */
export function setCompilerFlag(_flag: string): void {}

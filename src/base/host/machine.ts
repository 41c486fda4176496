import os from 'node:os';
import tty from 'node:tty';
import v8 from 'node:v8';

/** The system, e.g. `linux`, `win32`. */
export const platform: string = process.platform;
/** The processor's architecture, e.g. `x64`. */
export const arch: string = process.arch;
/** The version of what runs us, e.g. `v22.11.0`. */
export const runtimeVersion: string = process.version;
/** Processors that this process may use. */
export const availableParallelism: () => number = os.availableParallelism;
/** Processors of the machine. */
export const cpus: () => readonly { readonly model: string }[] = os.cpus;
/** Memory of the machine, bytes. */
export const totalmem: () => number = os.totalmem;
/** Name of the machine. */
export const hostname: () => string = os.hostname;
/** The user's folder. */
export const homedir: () => string = os.homedir;
/** The folder of temporary files. */
export const tmpdir: () => string = os.tmpdir;
/** True if a descriptor is a terminal. */
export const isatty: (fd: number) => boolean = tty.isatty;

/** Sets an option of the compiler, for code that it compiles from now on. */
export const setCompilerFlag: (flag: string) => void = v8.setFlagsFromString;

import os from 'node:os';
import tty from 'node:tty';
import v8 from 'node:v8';

/** System, e.g. `linux`, `win32`. */
export const platform: string = process.platform;
/** Processor architecture, e.g. `x64`. */
export const arch: string = process.arch;
/** Version of Node, e.g. `v22.11.0`. */
export const runtimeVersion: string = process.version;
/** Processors usable by this process. */
export const availableParallelism: () => number = os.availableParallelism;
/** Processors of the machine. */
export const cpus: () => readonly { readonly model: string }[] = os.cpus;
/** Memory of the machine, bytes. */
export const totalmem: () => number = os.totalmem;
/** Name of the machine. */
export const hostname: () => string = os.hostname;
/** Home folder of the user. */
export const homedir: () => string = os.homedir;
/** Folder of temporary files. */
export const tmpdir: () => string = os.tmpdir;
/** True for a terminal's descriptor. */
export const isatty: (fd: number) => boolean = tty.isatty;

/** Sets a compiler option for code compiled later. */
export const setCompilerFlag: (flag: string) => void = v8.setFlagsFromString;

// The compiler of what runs us.
import v8 from 'node:v8';

/** Sets an option of the compiler, for code that it compiles from now on. */
export const setCompilerFlag: (flag: string) => void = v8.setFlagsFromString;

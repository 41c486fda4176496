// Types of rooms.mjs.

/** A folder of src: its name, what it is, and the rooms that it alone may import, where not every one before it. */
export interface Room {
  readonly name: string;
  readonly is: string;
  readonly only?: readonly string[];
}

export const ROOMS: readonly Room[];

/** File -> files that it imports, relative to the folder. */
export type Imports = ReadonlyMap<string, readonly string[]>;

export function readImports(folder: string): Imports;
export function roomOf(file: string): string;
export function brokenRules(imports: Imports): string[];
export function loopsOf(imports: Imports): string[][];

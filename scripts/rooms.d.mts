// Types of rooms.mjs.

/** A folder of src: its name, what it is, the rooms that it alone may import, where not every one before it, and the order inside it. */
export interface Room {
  readonly name: string;
  readonly is: string;
  readonly only?: readonly string[];
  readonly inside: readonly string[];
}

export const ROOMS: readonly Room[];

/** File -> files that it imports, relative to the folder. */
export type Imports = ReadonlyMap<string, readonly string[]>;

export function readImports(folder: string): Imports;
export function roomOf(file: string): string;
export function brokenRules(imports: Imports): string[];
export function loopsOf(imports: Imports): string[][];
export function foldersOf(imports: Imports): Imports;
export function doorsOf(imports: Imports): ReadonlyMap<string, ReadonlySet<string>>;
export const MOST_DOORS: number;

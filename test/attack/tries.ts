// One try of the fuzz test: a file of a reader, damaged by its number, and what became of it. The test makes a slice of them, and
// scripts/fuzz.mjs as many as one likes, in processes of their own.
import { UserError } from '../../src/base/errors.js';
import type { InputKind } from '../../src/base/input-kinds.js';
import { Random } from '../../src/base/random.js';
import { fileOf } from '../trace/builders.js';
import { mutate } from './mutate.js';

/** CPU time that an input may take, ms. */
export const LIMIT_MS = 2000;

/** A reader, and files of its own. */
export interface Reader {
  /** Ending of its files, where it tells them by that. */
  readonly ending: string;
  /** Kinds of files that it opens. */
  readonly kinds: readonly InputKind[];
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Its share of the files that are tried, where that is not 1: traces have thirty formats, some readers take long. */
  readonly share?: number;
  /** Damages a file; absent: as {@link mutate}. */
  readonly change?: typeof mutate;
  /** Reads all of a file; @throws UserError where it refuses it */
  read(path: string, random: Random): unknown;
}

/** The damaged file of a try, the name of what it was, and the numbers that go on from there. */
export function inputOf(name: string, reader: Reader, seed: number, index: number): { bytes: Buffer; from: string; random: Random } {
  const random = new Random(seed, `fuzz/${name}/${index}`);
  const names = Object.keys(reader.files);
  const from = names[index % names.length]!;
  return { bytes: (reader.change ?? mutate)(reader.files[from]!, random, Object.values(reader.files)), from, random };
}

/** What a message may be. */
const LINE = /^[^\p{C}\p{Zl}\p{Zp}]{1,500}$/u;

/**
 * What became of a file.
 * @param folder where it is written
 * @throws Error where it is neither read nor refused in one printable line
 */
export async function outcomeOf(reader: Reader, folder: string, bytes: Uint8Array, random: Random): Promise<'read' | 'refused'> {
  try {
    await reader.read(fileOf(folder, `damaged${reader.ending}`, bytes), random);
    return 'read';
  } catch (error) {
    if (!(error instanceof UserError)) throw new Error(`an internal error: ${(error as Error).stack}`);
    if (!LINE.test(error.message)) throw new Error(`no printable line of 500 characters: ${JSON.stringify(error.message)}`);
    return 'refused';
  }
}

/** Shares of a number of tries, by reader. */
export function sharesOf(readers: Readonly<Record<string, Reader>>, tries: number): Record<string, number> {
  const all = Object.values(readers).reduce((sum, { share = 1 }) => sum + share, 0);
  return Object.fromEntries(Object.entries(readers).map(([name, { share = 1 }]) => [name, Math.ceil((tries * share) / all)]));
}

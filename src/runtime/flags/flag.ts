// Flags of a runtime's command line: their names and their values. Advice may use only these: a test parses each line as the runtime's own source
// does.

/** The value that a flag takes. */
export type FlagValue =
  /** A switch without a value. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'count'; readonly min: number }
  | { readonly kind: 'number'; readonly min: number; readonly max: number }
  | { readonly kind: 'text' }
  | { readonly kind: 'choice'; readonly of: readonly string[] }
  /** Numbers between commas. */
  | { readonly kind: 'shares' }
  /** Rules `pattern=buffer` between commas, the pattern a regular expression. */
  | { readonly kind: 'overrides' }
  /** An object in JSON. */
  | { readonly kind: 'json' }
  /** Words up to the next flag. */
  | { readonly kind: 'words' };

/** A switch without a value. */
export const SWITCH: FlagValue = { kind: 'nothing' };
/** Any text. */
export const TEXT: FlagValue = { kind: 'text' };

/** A whole number of at least `min`. */
export function count(min = 0): FlagValue {
  return { kind: 'count', min };
}

/** One of some words. */
export function choice(...of: readonly string[]): FlagValue {
  return { kind: 'choice', of };
}

/** A flag that a runtime has. */
export interface Flag {
  /** All its spellings; advice uses the first. */
  readonly names: readonly string[];
  readonly takes: FlagValue;
  /** Its effect, a sentence without its full stop. */
  readonly does: string;
}

/** A program's flags, and where they were read. */
export interface Grammar {
  /** Words that start the program: `llama-server`, `vllm serve`. */
  readonly program: string;
  /** Arguments without a flag that must follow the program; absent: none. */
  readonly operands?: number;
  readonly version: string;
  readonly source: string;
  readonly flags: readonly Flag[];
}

/** A flag with its value; null: it takes none. */
export type FlagUse = readonly [name: string, value: string | number | null];

/** The flag with a spelling. */
export function flagOf({ flags }: Grammar, name: string): Flag | undefined {
  return flags.find(({ names }) => names.includes(name));
}

/** The line that sets flags, one list of words for each flag, the program first. */
export function wordsOf({ program }: Grammar, operands: readonly string[], uses: readonly FlagUse[]): string[][] {
  const flags = uses.map(([name, value]) => (value === null ? [name] : [name, quotedWord(String(value))]));
  return [[program, ...operands.map(quotedWord)], ...flags];
}

/** A word, quoted where a POSIX shell would split it. */
function quotedWord(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

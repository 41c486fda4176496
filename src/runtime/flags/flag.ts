import type { LineShell } from '../../base/shell.js';

/** Value of a flag. Shares: comma-separated numbers; overrides: `pattern=buffer`; words: up to the next flag. */
export type FlagValue =
  | { readonly kind: 'nothing' | 'text' | 'shares' | 'overrides' | 'json' | 'words' }
  | { readonly kind: 'count'; readonly min: number }
  | { readonly kind: 'number'; readonly min: number; readonly max: number }
  | { readonly kind: 'choice'; readonly of: readonly string[] };

/** A flag of a runtime. */
export interface Flag {
  /** All spellings; advice uses the first. */
  readonly names: readonly string[];
  readonly takes: FlagValue;
  /** Effect, a sentence without a full stop. */
  readonly does: string;
}

/** Flags of a program, with source. Advice uses no further flags: a test parses each line like the program. */
export interface Grammar {
  /** Words that start the program: `llama-server`, `vllm serve`. */
  readonly program: string;
  readonly operands?: number;
  readonly version: string;
  readonly source: string;
  readonly flags: readonly Flag[];
}

/**
 * Flags from tables with a line each: spellings, value and effect, two spaces apart. A value is `-` (none), `>=1`,
 * `0..1`, a kind, or choices (`on|off`); an indented line goes on, and `#` begins a comment.
 */
export function grammarOf(facts: Omit<Grammar, 'flags'>, ...tables: readonly string[]): Grammar {
  let flags: readonly Flag[] | undefined;
  return {
    ...facts,
    get flags() {
      flags ??= tables.flatMap((table) => [...table.replaceAll(/\n +/g, ' ').matchAll(/^[^#\n].*$/gm)].map(([row]) => flagIn(row)));
      return flags;
    },
  };
}

function flagIn(row: string): Flag {
  const [names = '', takes = '', does] = row.split('  ');
  if (does === undefined) throw new Error(`flag "${row}": lacks its value or its effect, two spaces apart`);
  return { names: names.split(', '), takes: valueIn(takes), does };
}

const KINDS = ['text', 'shares', 'overrides', 'json', 'words'] as const;

function valueIn(text: string): FlagValue {
  if (text === '-') return { kind: 'nothing' };
  const kind = KINDS.find((name) => name === text);
  if (kind !== undefined) return { kind };
  const [min, max] = text.split('..');
  if (text.startsWith('>=')) return { kind: 'count', min: Number(text.slice(2)) };
  return max === undefined ? { kind: 'choice', of: text.split('|') } : { kind: 'number', min: Number(min), max: Number(max) };
}

/** A flag with a value; null: no value. */
export type FlagUse = readonly [name: string, value: string | number | null];

/** Flag by spelling. */
export function flagOf({ flags }: Grammar, name: string): Flag | null {
  return flags.find(({ names }) => names.includes(name)) ?? null;
}

/** Words of a command line, a list per flag, the program first. */
export function wordsOf({ program }: Grammar, operands: readonly string[], uses: readonly FlagUse[], { quoted }: LineShell): string[][] {
  const flags = uses.map(([name, value]) => (value === null ? [name] : [name, quoted(String(value))]));
  return [[program, ...operands.map(quoted)], ...flags];
}

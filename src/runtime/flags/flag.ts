import type { LineShell } from '../../base/shell.js';

/** Value, or choices; null: none. Shares: comma-separated; overrides: `pattern=buffer`; words: to the next flag. */
export type FlagValue =
  | null
  | 'text'
  | 'share'
  | 'shares'
  | 'overrides'
  | 'json'
  | 'words'
  | { readonly least: number }
  | readonly string[];

/** A whole number with a lower bound. */
export const least = (bound: number): FlagValue => ({ least: bound });

/** A flag of a runtime. */
export interface Flag<Name extends string = string> {
  /** All spellings; advice uses the first. */
  readonly names: readonly Name[];
  readonly takes: FlagValue;
  /** Effect, a sentence without a full stop. */
  readonly does: string;
}

/** Flags with source. Advice uses no further flags: a test parses each line like the program. */
export interface Grammar<Name extends string = string> {
  /** Words that start the program: `llama-server`, `vllm serve`. */
  readonly program: string;
  readonly operands?: number;
  readonly version: string;
  readonly source: string;
  readonly flags: readonly Flag<Name>[];
}

/** Value and effect by flag: `-c, --ctx-size`. */
export type FlagRows<Row extends string = string> = Readonly<Record<Row, readonly [takes: FlagValue, does: string]>>;

/** Rows of several programs. */
export const USUAL = {
  model: ['text', 'folder or repository of the model'],
  context: [least(1), 'tokens of context of a conversation'],
  users: [least(1), 'conversations at a time'],
  pass: [least(1), 'most prompt tokens of one pass'],
  cached: [least(1), 'tokens of the KV cache, of all conversations together'],
} satisfies FlagRows;

/** Spellings of the flags of {@link FlagRows}. */
export type Spelling<Row> = Row extends `${infer Name}, ${infer Others}` ? Name | Spelling<Others> : Row & string;

/** Grammar with a table of flags. */
export function grammarOf<Row extends string>(facts: Omit<Grammar, 'flags'>, rows: FlagRows<Row>): Grammar<Spelling<Row>> {
  const table = Object.entries<FlagRows[string]>(rows);
  return { ...facts, flags: table.map(([row, [takes, does]]) => ({ names: row.split(', ') as Spelling<Row>[], takes, does })) };
}

/** A flag with a value; null: no value. */
export type FlagUse<Name extends string = string> = readonly [name: Name, value: string | number | null];

/** Spellings of a grammar. */
export type NameIn<G> = G extends Grammar<infer Name> ? Name : never;

/** Flag by spelling. */
export function flagOf({ flags }: Grammar, name: string): Flag | null {
  return flags.find(({ names }) => names.includes(name)) ?? null;
}

/** Words of a command line, a list per flag, the program first. */
export function wordsOf({ program }: Grammar, operands: readonly string[], uses: readonly FlagUse[], { quoted }: LineShell): string[][] {
  const flags = uses.map(([name, value]) => (value === null ? [name] : [name, quoted(String(value))]));
  return [[program, ...operands.map(quoted)], ...flags];
}

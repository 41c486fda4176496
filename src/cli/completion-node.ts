// The command line for completion scripts: commands, options and their values. Types only.

/** Values that complete an argument. */
export interface CompletionValues {
  readonly words: readonly string[];
  /** Files too. */
  readonly files: boolean;
}

/** A command with its options and subcommands. */
export interface Node {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly { readonly names: readonly string[]; readonly summary: string; readonly value: CompletionValues | null }[];
  /** Completions of its first argument; null: it takes none. */
  readonly argument: CompletionValues | null;
  readonly children: readonly Node[];
}

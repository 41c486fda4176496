/** Completions of an argument. */
export interface CompletionValues {
  readonly words: readonly string[];
  readonly files: boolean;
}

/** A command with options and subcommands. */
export interface Node {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly { readonly names: readonly string[]; readonly summary: string; readonly value: CompletionValues | null }[];
  /** Null: no argument. */
  readonly argument: CompletionValues | null;
  readonly children: readonly Node[];
}

/** All commands with their words, the program first. */
export function flatten(node: Node, path: readonly string[] = []): { readonly path: readonly string[]; readonly node: Node }[] {
  return [{ path, node }, ...node.children.flatMap((child) => flatten(child, [...path, child.name]))];
}

/** Options of a command, and those of the program. */
export const optionsOf = (program: Node, node: Node): Node['options'] =>
  node === program
    ? program.options
    : [...node.options, ...program.options.filter((option) => !node.options.some((other) => other.names.at(-1) === option.names.at(-1)))];

/** Words in the place of a command's argument. */
export function wordsAt({ argument, children }: Node): CompletionValues {
  return { words: [...children.map(({ name }) => name), ...(argument?.words ?? [])], files: argument?.files === true };
}

/** A text in quotes of bash, zsh and fish. */
export const single = (text: string): string => `'${text.replaceAll("'", `'"'"'`)}'`;

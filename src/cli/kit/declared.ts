import { Argument, type Command, Option } from 'commander';
import { capital } from '../../base/text.js';

/** What a row has with its meaning. */
interface Extra {
  /** The words that it takes. */
  readonly choices?: readonly string[];
  readonly default?: string;
  /** The default in words. */
  readonly shown?: string;
  readonly required?: true;
  /** Names of options that it excludes. */
  readonly excludes?: string | readonly string[];
}

/** Arguments, options and headings, as in help; a heading ends with a colon and has no text. */
type Table = Readonly<Record<string, string | readonly [text: string, extra: Extra]>>;

/** Camel case of a long name. */
type Camel<S extends string> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;
type Word<S extends string> = S extends `${infer A} ${string}` ? A : S;
/** Name of a value: `traceFormat` of `-f, --trace-format <format>`, `bounds` of `--no-bounds`. */
type Name<K> = K extends `${'' | `-${string}, `}--${infer N}` ? Camel<N extends `no-${infer Off}` ? Off : Word<N>> : never;

/** Keys of options that always have a value: lists, switches, and what has a default or is required. */
type Sure<T, K extends keyof T> = K extends `${string}...`
  ? K
  : K extends `--no-${infer N}`
    ? Extract<keyof T, `${string}--${N} <${string}`> extends never
      ? K
      : never
    : K extends `${string}<${string}`
      ? T[K] extends readonly [string, { readonly default: string } | { readonly required: true }]
        ? K
        : never
      : K;
type Value<K, Row> = K extends `${string}...`
  ? readonly string[]
  : K extends `${string}<${string}`
    ? Row extends readonly [string, { readonly choices: readonly (infer Choice)[] }]
      ? Choice
      : string
    : boolean;

/** Values of the options of a table, as actions get them. */
export type OptionsOf<T> = { readonly [K in keyof T as K extends Sure<T, K> ? Name<K> : never]: Value<K, T[K]> } & {
  readonly [K in keyof T as K extends Sure<T, K> ? never : Name<K>]?: Value<K, T[K]>;
};

/** A flag by its short name, or by its long one if it has no other. */
type Flag<K> = K extends `-${infer S}, --${string}` ? `-${S}` : K extends `--${infer N}` ? `--${Word<N>}` : never;

/** What else help shows of a command. */
interface About<T> {
  /** Flags that --help shows; --help all shows all. */
  readonly first?: readonly Flag<keyof T>[];
  readonly summary?: string;
  /** Text below the options; absent: that of the parent. */
  readonly help?: string;
  /** Absent: the summary as a sentence. */
  readonly description?: string;
}

/** A command whose action gets the values of a table after its arguments. */
interface Declared<T> extends Command {
  action<A extends readonly unknown[]>(
    work: (...given: [...A, ...(keyof OptionsOf<T> extends never ? [] : [OptionsOf<T>])]) => void | Promise<void>,
  ): this;
}

/** A table with the types of its keys and words. */
export const options = <const T extends Table>(table: T): T => table;

const firsts = new WeakMap<Command, readonly string[]>();

/** Flags that the short help of a command shows; undefined: all. */
export const firstFlags = (command: Command): readonly string[] | null => firsts.get(command) ?? null;

const helps = new WeakMap<Command, string>();

/** Text below the options of a command, or of its parent. */
export function textBelow(command: Command): string {
  return helps.get(command) ?? (command.parent === null ? '' : textBelow(command.parent));
}

/** Sets the text below the options of a command. */
export const setTextBelow = (command: Command, text: string): unknown => helps.set(command, text);

/** Adds the arguments and options of a table to a command. */
export function declared<T extends Table>(command: Command, table: T, about: About<T> = {}): Declared<T> {
  const { description, first, help, summary } = about;
  if (first !== undefined) firsts.set(command, first);
  if (help !== undefined) setTextBelow(command, help);
  if (summary !== undefined) command.summary(summary).description(`${capital(summary)}.`);
  if (description !== undefined) command.description(description);
  for (const [head, row] of Object.entries(table)) {
    const [text, extra] = typeof row === 'string' ? [row, {}] : row;
    if (head.endsWith(':')) command.optionsGroup(head);
    else if (head.startsWith('-')) command.addOption(optionOf(head, text, extra));
    else command.addArgument(argumentOf(head, text, extra));
  }
  return command as Declared<T>;
}

/** E.g. `baseline save`. */
export const subcommand = <T extends Table>(parent: Command, name: string, table: T, about: About<T> = {}): Declared<T> =>
  declared(parent.command(name), table, about);

function optionOf(flags: string, text: string, { choices, default: usual, excludes, required, shown }: Extra): Option {
  const repeats = flags.endsWith('...');
  const option = new Option(flags.replace(/\.\.\.$/, ''), text).makeOptionMandatory(required === true);
  if (choices !== undefined) option.choices(choices);
  if (excludes !== undefined) option.conflicts([excludes].flat());
  if (repeats) return option.argParser((value: string, before: readonly string[]) => [...before, value]).default([], shown ?? '');
  // commander sets a negating switch on by default.
  const off = flags.includes('<') || option.negate ? undefined : false;
  return usual === undefined && shown === undefined && off === undefined ? option : option.default(usual ?? off, shown);
}

function argumentOf(name: string, text: string, { choices, default: usual }: Extra): Argument {
  const argument = new Argument(name, text);
  if (choices !== undefined) argument.choices(choices);
  return usual === undefined ? argument : argument.default(usual);
}

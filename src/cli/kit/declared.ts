import { Argument, type Command, Option } from 'commander';
import { ownValue } from '../../base/objects.js';
import { bundledSections } from '../../base/profiles.js';
import { capital } from '../../base/text.js';
import type { OutputFormat } from '../../report/door.js';

interface Given<T> {
  /** Texts for `${name}`; lists are joined with commas. */
  readonly words?: Readonly<Record<string, string | readonly string[]>>;
  readonly formats?: readonly OutputFormat<T>[];
}

let known: ReturnType<typeof bundledSections> | undefined;

/** Rows of all sections by name. */
export function commandSections(): ReturnType<typeof bundledSections> {
  known ??= bundledSections('commands.txt');
  return known;
}

/** Adds arguments and options from `profiles/commands.txt`. @throws Error for a missing section or text */
export function declared<T>(command: Command, section: string, given: Given<T> = {}): Command {
  const rows = commandSections().get(section);
  if (rows === undefined) throw new Error(`profiles/commands.txt has no section ${section}`);
  for (const row of rows) {
    const filled = row.replace(/\$\{(\w+)\}/g, (_, name: string) => {
      const text = ownValue(given.words ?? {}, name);
      if (text === undefined) throw new Error(`profiles/commands.txt: ${section}: ${name} is not given`);
      return typeof text === 'string' ? text : text.join(', ');
    });
    addRow(command, filled.split(/ {2,}/), given);
  }
  return command;
}

/** Subcommand with its section, e.g. `baseline save`. @throws Error as {@link declared} */
export const subcommand = <T>(parent: Command, name: string, given: Given<T> = {}): Command =>
  declared(parent.command(name), `${parent.name()} ${name}`, given);

function addRow<T>(command: Command, [head = '', text = '', ...notes]: readonly string[], given: Given<T>): void {
  if (head === 'first') return;
  if (head === '@output') addOutputOptions(command, given.formats ?? []);
  else if (head.startsWith('@')) declared(command, head, given);
  else if (head === 'summary') command.summary(text).description(`${capital(text)}.`);
  else if (head === 'description') command.description(text.replaceAll('\\n', '\n'));
  else if (head.endsWith(':') && text === '') command.optionsGroup(head);
  else if (head.startsWith('-')) command.addOption(optionOf(head, text, notes));
  else command.addArgument(argumentOf(head, text, notes));
}

/** Text after a mark; undefined without the mark. */
const noted = (notes: readonly string[], mark: '{' | '=' | '~' | '!' | 'x'): string | undefined =>
  notes
    .find((note) => note.startsWith(mark))
    ?.slice(1)
    .replace(/\}$/, '')
    .trim();

function optionOf(flags: string, text: string, notes: readonly string[]): Option {
  const repeats = flags.endsWith('...');
  const option = new Option(flags.replace(/\.\.\.$/, ''), text).makeOptionMandatory(noted(notes, '!') !== undefined);
  const [words, usual, shown, excluded] = [noted(notes, '{'), noted(notes, '='), noted(notes, '~'), noted(notes, 'x')];
  if (words !== undefined) option.choices(words.split(', '));
  if (excluded !== undefined) option.conflicts(excluded.split(','));
  if (repeats) return option.argParser((value: string, before: readonly string[]) => [...before, value]).default([], shown ?? '');
  // commander sets a negating switch on by default.
  const off = flags.includes('<') || option.negate ? undefined : false;
  return usual === undefined && shown === undefined && off === undefined ? option : option.default(usual ?? off, shown);
}

function argumentOf(name: string, text: string, notes: readonly string[]): Argument {
  const argument = new Argument(name, text);
  const [words, usual] = [noted(notes, '{'), noted(notes, '=')];
  if (words !== undefined) argument.choices(words.split(', '));
  return usual === undefined ? argument : argument.default(usual);
}

/** Adds `-o`, `--format` and `--json` under their own heading. */
export function addOutputOptions<T>(command: Command, formats: readonly OutputFormat<T>[]): Command {
  const names = formats.map((format) => format.name);
  const endings = formats.flatMap(({ name, extensions }) => (extensions.length === 0 ? [] : [`${extensions[0]} ${name}`])).join(', ');
  const prefixed = formats.filter(({ extensions }) => extensions.length === 0).map(({ name }) => name);
  const needs = prefixed.length === 1 ? 'needs its' : 'need their';
  const others = prefixed.length === 0 ? '' : `; ${prefixed.join(', ')} ${needs} name before it`;
  const usual = names[0] === 'table' ? 'a table on stdout' : `${names[0]} on stdout`;
  return declared(command, '@output', { words: { endings: endings + others, formats: names, usual } });
}

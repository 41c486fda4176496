// Every place of the command line that takes a value, read off the definitions of the commands, so that a new argument or option is
// attacked without being listed here.
import { Command } from 'commander';
import { commands } from '../../src/cli/commands.js';
import type { CliContext } from '../../src/cli/kit/context.js';

/** A place of the command line that takes a value. */
export interface Place {
  /** `run --model`, `compare base`. */
  readonly name: string;
  /** True where something is written there, and not read. */
  readonly written: boolean;
  /** True where its name says that it is a number. */
  readonly number: boolean;
  /** The whole command line with a path there and sound values everywhere else. `draw` picks one of several ways to name a path. */
  line(path: string, draw: number): readonly string[];
}

/**
 * A sound value for another place of a command that is attacked at `attacked`; undefined: it goes without.
 * All are names as commander has them: `traceFormat`, `candidate`.
 */
export type Company = (command: string, name: string, attacked: string) => string | undefined;

/** How a value names a path, where that is not the path alone; `%` is the path. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  predictor: ['%', 'onnx:file=%'],
  'path=value': ['model=%', 'trace=[%]', 'hardware=%', 'system=%', 'workload.arrivals=%', 'system.cache.policy=%', 'system.predictor=%'],
  'path=values': ['model=%', 'hardware=%', 'system=%'],
};

/** Placeholders of what may be any words. */
const ANY_WORDS = ['words', 'name=words'];

/** Options and arguments that name what is written. */
const WRITTEN = ['output', 'html', 'svg', 'timeline', 'report', 'folder', 'profiles'];

/** One argument or option with a value. */
interface Slot {
  readonly name: string;
  readonly placeholder: string;
  /** Without it the command does not begin. */
  readonly mandatory: boolean;
  readonly words: readonly string[] | undefined;
  /** Stands before the value. */
  readonly flag: readonly string[];
}

/** All places of all commands but those that take one of a few words. */
export async function places(company: Company): Promise<Place[]> {
  const found: Place[] = [];
  const walk = (command: Command, words: readonly string[]): void => {
    const slots = slotsOf(command);
    for (const slot of command.commands.length > 0
      ? []
      : slots.filter(({ placeholder, words: choices }) => choices === undefined && !ANY_WORDS.includes(placeholder))) {
      const ways = VALUES[slot.placeholder] ?? ['%'];
      const wordsOf = (one: Slot, path: string, draw: number): string[] => {
        if (one === slot) return [...one.flag, ways[draw % ways.length]!.replace('%', path)];
        const value = company(words.join(' '), one.name, slot.name) ?? (one.mandatory ? one.words?.[0] : undefined);
        if (value === undefined && one.mandatory) throw new Error(`no sound value is known for ${words.join(' ')} ${one.name}`);
        return value === undefined ? [] : [...one.flag, value];
      };
      found.push({
        name: `${words.join(' ')} ${slot.flag[0] ?? slot.name}`,
        number: /^(n|p|rate|share|tokens|lambda)$/.test(slot.placeholder),
        written: WRITTEN.includes(slot.name),
        line: (path, draw) => [...words, ...slots.flatMap((one) => wordsOf(one, path, draw))],
      });
    }
    for (const child of command.commands) walk(child, [...words, child.name()]);
  };
  for (const entry of commands) {
    const command = new Command(entry.name).helpCommand(false);
    // What is defined looks at its context only when it runs.
    (await entry.load()).define(command, {} as CliContext);
    walk(command, [entry.name]);
  }
  return found;
}

function slotsOf(command: Command): Slot[] {
  return [
    ...command.registeredArguments.map((one) => ({
      name: one.name(),
      placeholder: one.name(),
      mandatory: one.required,
      words: one.argChoices,
      flag: [],
    })),
    ...command.options
      .filter((one) => one.required || one.optional)
      .map((one) => ({
        name: one.attributeName(),
        placeholder: /<(.*)>$/.exec(one.flags)?.[1] ?? '',
        mandatory: one.mandatory,
        words: one.argChoices,
        flag: [one.long!],
      })),
  ];
}

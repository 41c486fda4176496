// Remedies of mistaken words name commands and options that there are, and stand where moeprof has no such option.
import { Command } from 'commander';
import { beforeAll, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.js';
import type { CliContext } from '../../src/cli/kit/context.js';
import { MISTAKEN_COMMANDS, MISTAKEN_WORDS, MISTAKES, MISTAKES_ANYWHERE } from '../../src/cli/mistakes.js';

/** Options of each command and subcommand by its words, those of every command among them. */
const FLAGS = new Map<string, readonly string[]>([['moeprof', []]]);
const OF_ALL = ['-h', '--help', '-V', '--version', '-q', '--quiet', '-v', '--verbose', '--debug'];

const flagsOf = ({ options }: Command): string[] =>
  options.flatMap(({ long, short }) => [short, long].filter((flag) => flag !== undefined));

beforeAll(async () => {
  for (const { load, name } of commands) {
    const command = new Command(name);
    (await load()).define(command, {} as CliContext);
    FLAGS.set(name, flagsOf(command));
    for (const below of command.commands) FLAGS.set(`${name} ${below.name()}`, flagsOf(below));
  }
});

/** What a remedy for a command names that is not there. */
function missingIn(remedy: string, command: string): string[] {
  const plain = remedy.replaceAll(/"[^"]*"|'[^']*'|npm install -g/g, '');
  const [own, ...named] = plain.split(/\bmoeprof (?=[a-z-])/);
  const absent = (text: string, flags: readonly string[] = []): string[] =>
    [...text.matchAll(/(?<!\S)--?[a-z][a-z-]*/gi)].map(([flag]) => flag).filter((flag) => ![...flags, ...OF_ALL].includes(flag));
  const of = named.map((text) => {
    const [first = '', second] = text.split(/[ ,]/);
    return first.startsWith('-') ? 'moeprof' : [`${first} ${second}`, first].find((words) => FLAGS.has(words))!;
  });
  return [
    ...absent(own!, FLAGS.get(command)),
    ...named.flatMap((text, i) => (of[i] === undefined ? [text] : absent(text, FLAGS.get(of[i])))),
  ];
}

it('remedies name options and commands that there are', () => {
  for (const [places, , remedy] of MISTAKES) for (const place of places) expect([place, ...missingIn(remedy, place)]).toEqual([place]);
  for (const [, remedy] of MISTAKEN_COMMANDS) expect([remedy, ...missingIn(remedy, 'moeprof')]).toEqual([remedy]);
  for (const [, remedy] of MISTAKES_ANYWHERE) expect([remedy, ...missingIn(remedy, 'run')]).toEqual([remedy]);
  for (const [name, remedy] of Object.entries(MISTAKEN_WORDS)) expect([name, ...missingIn(remedy('x'), name)]).toEqual([name]);
});

it('they stand at commands that there are, and for no option of theirs', () => {
  const places = [...MISTAKES.flatMap(([of]) => of), ...Object.keys(MISTAKEN_WORDS)];
  expect(places.filter((place) => !FLAGS.has(place))).toEqual([]);
  for (const [of, wrong] of MISTAKES)
    for (const place of of) expect([place, ...FLAGS.get(place)!.filter((flag) => wrong.test(flag))]).toEqual([place]);
  for (const [wrong] of MISTAKEN_COMMANDS) expect(commands.filter(({ name }) => wrong.test(name))).toEqual([]);
});

it('what is not there is found', () => {
  expect(missingIn('that is --context 32768', 'advise')).toEqual([]);
  expect(missingIn('that is --contexts 32768', 'advise')).toEqual(['--contexts']);
  expect(missingIn('that is moeprof run -w x', 'moeprof')).toEqual([]);
  expect(missingIn('that is moeprof run --nothing, or moeprof trace inspect -Z', 'moeprof')).toEqual(['--nothing', '-Z']);
  expect(missingIn('that is moeprof ran', 'moeprof')).toEqual(['ran']);
});

// Help: 15 lines for each command, 40 for the program, everything with `--help all`; the text below the options of a
// command has an example of it, and examples and the program's texts name commands that there are.
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.js';
import type { CliContext } from '../../src/cli/kit/context.js';
import { runCli } from '../../src/cli/program.js';
import { EXAMPLES } from '../../src/cli/program-help.js';
import { catchOutput } from '../support/cli-output.js';

it('the help of the program shows an example of every command, in their order', () => {
  const lines = [...EXAMPLES.matchAll(/^ {2}moeprof ([a-z]+)/gm)];
  expect(lines.map(([, name]) => name)).toEqual(commands.map(({ name }) => name));
});

/** Commands and subcommands as they are written, each with its options. */
async function allCommands(): Promise<(readonly [words: readonly string[], options: readonly string[]])[]> {
  const all = [];
  for (const { load, name } of commands) {
    const command = new Command(name);
    (await load()).define(command, {} as CliContext);
    for (const below of [command, ...command.commands])
      all.push([below === command ? [name] : [name, below.name()], below.options.map(({ long }) => long!)] as const);
  }
  return all;
}

describe('the help of a command', () => {
  const output = catchOutput();
  const linesOf = async (...words: string[]): Promise<string[]> => {
    output.stdout = '';
    expect(await runCli(words)).toBe(0);
    return output.stdout.trimEnd().split('\n');
  };

  it('has 15 lines of 80 columns at most, with an example, and everything with --help all', { timeout: 120_000 }, async () => {
    for (const [words, options] of await allCommands()) {
      const short = await linesOf(...words, '--help');
      expect(short.length, short.join('\n')).toBeLessThanOrEqual(15);
      expect(Math.max(...short.map((line) => line.length)), short.join('\n')).toBeLessThanOrEqual(80);
      expect(short.some((line) => line.startsWith(`  moeprof ${words[0]}`))).toBe(true);
      const shown = options.filter((long) => short.some((line) => /^ {2}-/.test(line) && line.split(/[\s,]+/).includes(long)));
      const more = /\((\d+) more\)$/.exec(short.at(-1)!)?.[1] ?? '0';
      expect(shown.length + Number(more), short.join('\n')).toBe(options.length);
      const whole = await linesOf(...words, '--help', 'all');
      expect(Math.max(...whole.map((line) => line.length)), words.join(' ')).toBeLessThanOrEqual(80);
      const all = whole.join('\n');
      for (const [, name] of all.matchAll(/^ {2}moeprof ([a-z]+)/gm)) expect(commands.map((command) => command.name)).toContain(name);
      for (const long of options) expect(all, words.join(' ')).toContain(long);
      // Options of every command stand in the help of the program alone.
      for (const text of [all, short.join('\n')]) expect(text).not.toContain('--progress');
    }
  });

  it('of the program has 40 lines, three commands first, every command and every global option', async () => {
    const lines = await linesOf('--help');
    expect(lines.length).toBeLessThanOrEqual(40);
    expect(lines.filter((line) => line.startsWith('  moeprof ')).length).toBe(3);
    expect(lines.findIndex((line) => line.startsWith('  moeprof advise'))).toBeLessThan(7);
    const words = new Set(lines.join(' ').split(/[\s,]+/));
    expect(commands.filter(({ name }) => !words.has(name)).map(({ name }) => name)).toEqual([]);
    for (const flag of ['-q', '-v', '--color', '--no-color', '--progress', '--debug', '-V', '-h']) expect(words).toContain(flag);
    const all = await linesOf('help', 'all');
    for (const { name, summary } of commands) expect(all.join(' ').replace(/\s+/g, ' ')).toContain(`${name} ${summary}`);
  });
});

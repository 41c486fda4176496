// Texts below the options of a command's help: every command has one, every text belongs to a command, and the program's shows each command.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.js';
import type { CliContext } from '../../src/cli/kit/context.js';

const TEXT = readFileSync(resolve(import.meta.dirname, '../../profiles/help.txt'), 'utf8');
const SECTIONS = new Map(
  TEXT.split(/^(?=\[[a-z-]+\]$)/m).flatMap((text) =>
    [...text.matchAll(/^\[([a-z-]+)\]\n(.*)$/gs)].map(([, name, below]) => [name!, below!]),
  ),
);

it('every command has a text of help, and every text a command or a subcommand', async () => {
  const texts = [...SECTIONS.keys()];
  const known = ['moeprof'];
  for (const { load, name } of commands) {
    const command = new Command(name);
    (await load()).define(command, {} as CliContext);
    known.push(name, ...command.commands.map((below) => `${name}-${below.name()}`));
  }
  expect(texts).toEqual(expect.arrayContaining(commands.map(({ name }) => name)));
  expect(texts.filter((name) => !known.includes(name))).toEqual([]);
});

it('the help of the program shows a line of every command, in their order', () => {
  const lines = [...SECTIONS.get('moeprof')!.matchAll(/^ {2}moeprof ([a-z]+)/gm)];
  expect(lines.map(([, name]) => name)).toEqual(commands.map(({ name }) => name));
});

// What commands take is data: every section belongs to a command, every row is understood, and marks mean what the file's head says.
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { capital } from '../../../src/base/text.js';
import { commands } from '../../../src/cli/commands.js';
import type { CliContext } from '../../../src/cli/kit/context.js';
import { addOutputOptions, commandSections, declared } from '../../../src/cli/kit/declared.js';

describe('profiles/commands.txt', () => {
  it('has a section for what each command and subcommand takes, and no other', async () => {
    const taking: string[] = [];
    for (const { load, name } of commands) {
      const command = new Command(name);
      (await load()).define(command, {} as CliContext);
      for (const one of [command, ...command.commands]) {
        const takes = one.registeredArguments.length + one.options.length > 0 || one !== command;
        if (takes) taking.push(one === command ? name : `${name} ${one.name()}`);
      }
    }
    expect([...commandSections().keys()].filter((name) => !name.startsWith('@')).sort()).toEqual(taking.sort());
  });

  it('takes over each section with @ somewhere', () => {
    const taken = new Set([...commandSections().values()].flat());
    expect([...commandSections().keys()].filter((name) => name.startsWith('@') && !taken.has(name))).toEqual([]);
  });

  it('has rows of the kinds that its head names, and known marks behind them', () => {
    for (const [name, rows] of commandSections())
      for (const row of rows) {
        const [head = '', text, ...notes] = row.split(/ {2,}/);
        expect(head, name).toMatch(/^(?:-|[<[].*[>\]]$|@[a-z-]+$|first$|summary$|description$|[A-Z].*:$)/);
        expect(text === undefined, row).toBe(head.startsWith('@') || head.endsWith(':'));
        for (const note of notes) expect(note, row).toMatch(/^(?:\{.+\}|[=~x] .+|!)$/);
      }
  });
});

describe('a section', () => {
  it('gives options their defaults, words and exclusions', () => {
    const command = declared(new Command('advise'), 'advise', { words: { runtimes: ['a', 'b'], runtime: 'a' }, formats: [] });
    const option = (flag: string) => command.options.find(({ long }) => long === flag)!;
    expect(option('--runtime')).toMatchObject({ description: 'runtime: a, b, or any', defaultValue: 'a', helpGroupHeading: undefined });
    expect(option('--users')).toMatchObject({ defaultValue: '1', helpGroupHeading: 'What is wanted:' });
    expect(option('--context')).toMatchObject({ defaultValue: undefined, defaultValueDescription: expect.stringContaining('16384') });
    expect(option('--explain').defaultValue).toBe(false);
    expect(option('--markdown')).toMatchObject({ conflictsWith: ['format', 'json'] });
    expect(command.opts()).toMatchObject({ timing: [], explain: false, goal: 'request' });
  });

  it('collects what may be given several times, and keeps what turns off on', () => {
    const command = declared(new Command('run'), '@run', { words: { replays: ['atomic', 'sequential'] } }).exitOverride();
    command.configureOutput({ writeErr: () => undefined }).parse(['--set', 'a=1', '--set', 'b=2', '--no-bounds'], { from: 'user' });
    expect(command.opts()).toMatchObject({ set: ['a=1', 'b=2'], bounds: false, trace: [] });
    expect(() => command.parse(['--replay', 'other'], { from: 'user' })).toThrow('Allowed choices are atomic, sequential');
  });

  it('is demanded where a row ends with !', () => {
    const command = declared(new Command('convert'), 'trace convert')
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
    expect(() => command.parse(['a.jsonl'], { from: 'user' })).toThrow("required option '-o, --output <path>'");
    expect(command.description()).toBe('Writes a trace as safetensors or JSONL, whole or in part.');
  });

  it('has its summary as description unless it has one', () => {
    const command = declared(new Command('show'), 'machine show', { words: {}, formats: [] });
    expect(command.description()).toBe(`${capital(command.summary())}.`);
  });

  it('is an error where it is not there, or a text in it is not given', () => {
    expect(() => declared(new Command(), 'no such')).toThrow('profiles/commands.txt has no section no such');
    expect(() => declared(new Command(), '@run')).toThrow('profiles/commands.txt: @run: replays is not given');
    expect(() => declared(new Command(), '@run', { words: { toString: 'x' } })).toThrow('replays is not given');
  });
});

it('formats stand in the help of -o by their endings', () => {
  const { options } = addOutputOptions(new Command(), [{ name: 'json', extensions: ['.json'], render: () => '' }]);
  expect(options[0]).toMatchObject({ description: expect.stringContaining('(.json json)'), defaultValueDescription: 'json on stdout' });
});

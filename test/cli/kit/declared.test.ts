// What commands take is a table: keys are usages as commander has them, and their types are those of the values.
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { declared, firstFlags, type OptionsOf, options, setTextBelow, subcommand, textBelow } from '../../../src/cli/kit/declared.js';
import { output } from '../../../src/cli/kit/groups.js';

const GROUP = options({ '--seed <n>': ['seed of what is drawn', { default: '1' }] });
const TABLE = options({
  '[file]': 'what is read',
  '-t, --trace-format <format>': 'its format',
  'What is wanted:': '',
  '--list <words>...': ['words', { shown: 'all' }],
  '--explain': ['a sentence for each', { excludes: ['seed', 'list'] }],
  '--no-bounds': 'without bounds',
  '--store <folder>': 'a store',
  '--no-store': 'no store',
  '--scope <scope>': ['one or many', { choices: ['global', 'layer'] }],
  '-o, --output <path>': ['where to', { required: true }],
  ...GROUP,
});

/** All that the table gives, as its keys and words say. */
const GIVEN: OptionsOf<typeof TABLE> = {
  ...{ list: ['a', 'b'], explain: false, bounds: false, output: 'x', seed: '1' },
  ...{ store: false, scope: 'layer' as const, traceFormat: 'csv' },
};

const command = () =>
  declared(new Command('c'), TABLE, { first: ['-t', '--seed'], summary: 'what it does' })
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });

describe('a table', () => {
  it('gives options their defaults, words, headings and exclusions', () => {
    const option = (flag: string) => command().options.find(({ long }) => long === flag)!;
    expect(option('--trace-format')).toMatchObject({ description: 'its format', short: '-t', defaultValue: undefined });
    expect(option('--trace-format').helpGroupHeading).toBeUndefined();
    expect(option('--seed')).toMatchObject({ defaultValue: '1', helpGroupHeading: 'What is wanted:' });
    expect(option('--list')).toMatchObject({ defaultValue: [], defaultValueDescription: 'all' });
    expect(option('--explain')).toMatchObject({ defaultValue: false, conflictsWith: ['seed', 'list'] });
  });

  it('has values as its type says: lists are collected, and what turns off is on', () => {
    const words = '--list a --list b --no-bounds --no-store --scope layer -t csv -o x'.split(' ');
    expect(command().parse(words, { from: 'user' }).opts()).toEqual(GIVEN);
    expect(command().parse(['-o', 'x'], { from: 'user' }).opts()).toEqual({
      list: [],
      explain: false,
      bounds: true,
      output: 'x',
      seed: '1',
    });
  });

  it('refuses other words, and what is missing', () => {
    expect(() => command().parse(['-o', 'x', '--scope', 'other'], { from: 'user' })).toThrow('Allowed choices are global, layer');
    expect(() => command().parse([], { from: 'user' })).toThrow("required option '-o, --output <path>'");
  });

  it('has its summary as description unless it has one', () => {
    expect(command().description()).toBe('What it does.');
    const below = subcommand(new Command('c'), 'd', GROUP, { summary: 'short', description: 'Long.' });
    expect([below.name(), below.summary(), below.description()]).toEqual(['d', 'short', 'Long.']);
  });

  it('has a text below its options, or that of its parent', () => {
    const parent = new Command('c');
    setTextBelow(parent, 'of the parent');
    expect(textBelow(subcommand(parent, 'd', GROUP))).toBe('of the parent');
    expect(textBelow(subcommand(parent, 'e', GROUP, { help: 'its own' }))).toBe('its own');
    expect(textBelow(new Command('f'))).toBe('');
  });

  it('names first flags of its own alone', () => {
    expect(firstFlags(command())).toEqual(['-t', '--seed']);
    expect(firstFlags(declared(new Command('c'), GROUP))).toBeNull();
    // @ts-expect-error: the table has no such flag.
    declared(new Command('c'), GROUP, { first: ['--sed'] });
    // @ts-expect-error: an action that takes other options than the table has.
    declared(new Command('c'), GROUP).action((_: { readonly sed: string }) => undefined);
  });
});

it('formats stand in the help of -o by their endings', () => {
  const { options: all } = declared(new Command(), output([{ name: 'json', extensions: ['.json'], render: () => '' }]));
  expect(all[0]).toMatchObject({ description: expect.stringContaining('(.json json)'), defaultValueDescription: 'json on stdout' });
});

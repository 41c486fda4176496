// YAML with a schema: every mistake is one line with the file's own line and column, and says what to write instead.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { UserError } from '../../src/base/errors.js';
import { readText } from '../../src/base/input-file.js';
import { BYTES, DURATION } from '../../src/base/units.js';
import { locateYaml, quantity, readYaml } from '../../src/base/yaml.js';
import { temporaryFolder } from '../support/folder.js';
import { parseYaml } from '../support/yaml.js';

const Tier = z.strictObject({ name: z.enum(['gpu', 'dram', 'ssd']), size: quantity(BYTES) });
const Profile = z
  .strictObject({
    name: z.string(),
    layers: z.int().positive(),
    experts: z.int().positive().default(8),
    topK: z.int().positive(),
    latency: quantity(DURATION).optional(),
    tiers: z.array(Tier).min(1).optional(),
    attention: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('gqa'), heads: z.int() }),
        z.strictObject({ kind: z.literal('mla'), latent: z.int() }),
      ])
      .optional(),
    window: z.union([z.int(), z.strictObject({ every: z.int() })]).optional(),
    notes: z.record(z.string(), z.string()).optional(),
  })
  .refine((profile) => profile.topK <= profile.experts, { path: ['topK'], message: 'must not exceed experts' });

const HEAD = 'name: m\nlayers: 4\ntopK: 2\n';
const failure = (text: string): string => {
  try {
    parseYaml(text, 'p.yaml', Profile);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).message;
  }
  return 'accepted';
};

describe('parseYaml', () => {
  it('reads values, defaults and quantities', () => {
    const value = parseYaml(`${HEAD}latency: 10us\ntiers:\n  - { name: gpu, size: 24GiB }\n`, 'p.yaml', Profile);
    expect(value).toEqual({ name: 'm', layers: 4, experts: 8, topK: 2, latency: 10_000, tiers: [{ name: 'gpu', size: 24 * 2 ** 30 }] });
  });

  it.each([
    ['an unknown key', 'name: m\nlayers: 4\ntopk: 2\n', 'p.yaml:3:1: unknown key "topk"; did you mean "topK"? (1 more)'],
    [
      'an unknown key in a list',
      `${HEAD}tiers:\n  - name: gpu\n    siez: 1\n    size: 1\n`,
      'p.yaml:6:5: tiers.0: unknown key "siez"; did you mean "size"?',
    ],
    [
      'a key like no other',
      'name: m\nlayers: 4\ntopK: 2\nzzz: 1\n',
      'p.yaml:4:1: unknown key "zzz"; known: name, layers, experts, topK, latency, tiers, attention, window, notes',
    ],
    [
      'an unknown key in a union',
      `${HEAD}attention: { kind: gqa, heads: 2, head: 3 }\n`,
      'p.yaml:4:35: attention: unknown key "head"; did you mean "heads"?',
    ],
    ['a missing key', 'name: m\ntopK: 2\n', 'p.yaml:1:1: layers: is missing; expected a number'],
    ['a wrong type', 'name: m\nlayers: four\ntopK: 2\n', 'p.yaml:2:9: layers: expected a number, not "four"'],
    ['a fraction', 'name: m\nlayers: 4.5\ntopK: 2\n', 'p.yaml:2:9: layers: expected a whole number, not 4.5'],
    ['a number out of range', 'name: m\nlayers: 0\ntopK: 2\n', 'p.yaml:2:9: layers: must be more than 0, not 0'],
    [
      'an unknown choice',
      `${HEAD}tiers: [{ name: gpuu, size: 1 }]\n`,
      'p.yaml:4:17: tiers.0.name: must be one of gpu, dram, ssd, not "gpuu"; did you mean "gpu"?',
    ],
    ['an empty list', `${HEAD}tiers: []\n`, 'p.yaml:4:8: tiers: needs at least 1 entries'],
    [
      'a bad quantity',
      `${HEAD}latency: 10 parsecs\n`,
      'p.yaml:4:10: latency: "10 parsecs" is not a duration; write e.g. 10us, 2ms, 1.5s, or a plain number of nanoseconds',
    ],
    [
      'a quantity that is no text',
      `${HEAD}latency: [1]\n`,
      'p.yaml:4:10: latency: [1] is not a duration; write e.g. 10us, 2ms, 1.5s, or a plain number of nanoseconds',
    ],
    [
      'an unknown kind',
      `${HEAD}attention: { kind: gka }\n`,
      'p.yaml:4:20: attention.kind: must be one of gqa, mla, not "gka"; did you mean "gqa"?',
    ],
    ['a mistake inside a union', `${HEAD}window: { every: x }\n`, 'p.yaml:4:18: window.every: expected a number, not "x"'],
    ['no member of a union', `${HEAD}window: yes\n`, 'p.yaml:4:9: window: cannot be "yes"'],
    ['a check across fields', 'name: m\nlayers: 4\ntopK: 9\n', 'p.yaml:3:7: topK: must not exceed experts'],
    ['a key twice', `${HEAD}topK: 3\n`, 'p.yaml:4:1: this key stands twice; keep one of them'],
    ['an empty file', '# nothing\n', 'p.yaml:1:1: the file is empty'],
    ['a list for a mapping', '- a\n', 'p.yaml:1:1: expected a mapping (key: value), not ["a"]'],
  ])('says where and what for %s', (_, text, message) => expect(failure(text)).toBe(message));
});

describe('YAML that is none, or would hurt', () => {
  it('says where for broken syntax', () => {
    expect(failure('name: [1, 2\nlayers: 1\n')).toMatch(/^p\.yaml:\d+:\d+: \S/);
    expect(failure('name: "x\n')).toMatch(/^p\.yaml:\d+:\d+: \S/);
    expect(failure('name: !!python/object x\n')).toMatch(/^p\.yaml:1:7: Unresolved tag/);
  });

  it('refuses an alias bomb', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i++)
      lines.push(
        `${'abcdefghi'[i]}: &${'abcdefghi'[i]} [${Array(9)
          .fill(`*${'abcdefghi'[i - 1]}`)
          .join(', ')}]`,
      );
    expect(failure(lines.join('\n'))).toMatch(/^p\.yaml:1:1: cannot be read as YAML: Excessive alias count/);
  });

  it('keeps every message on one line', () => {
    for (const text of ['a: |\n  x\n b: [', '{', '\t- a', '? : :', 'name: "a\\qb"']) expect(failure(text)).not.toContain('\n');
  });
});

describe('locateYaml', () => {
  it('remembers where values stand', () => {
    const located = locateYaml(`${HEAD}tiers:\n  - { name: gpu, size: 1 }\n`, 'p.yaml', Profile);
    expect(located.place('topK')).toBe('p.yaml:3:7');
    expect(located.place('tiers', 0, 'size')).toBe('p.yaml:5:24');
    expect(located.place('experts')).toBe('p.yaml:1:1');
  });
});

describe('readYaml', () => {
  it('reads a file, and says plainly why it cannot', () => {
    const folder = temporaryFolder();
    try {
      const path = join(folder, 'p.yaml');
      writeFileSync(path, HEAD);
      expect(readYaml(path, Profile).layers).toBe(4);
      expect(() => readText(join(folder, 'none.yaml'))).toThrow(/none\.yaml: there is no such file$/);
      expect(() => readText(folder)).toThrow(/: is a folder, not a file; /);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a document that would hurt', () => {
  const schema = z.unknown();
  it.each([
    ['flow lists', '['.repeat(20_000) + ']'.repeat(20_000)],
    ['lists in a line', `${'- '.repeat(20_000)}1`],
    ['mappings line by line', Array.from({ length: 600 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
    ['aliases of aliases', Array.from({ length: 99 }, (_, i) => `a${i}: &a${i} [${i === 0 ? 1 : `*a${i - 1}`}]`).join('\n')],
    ['a list in itself', 'a: &a [*a]'],
    ['a list of 65 lists', '['.repeat(66) + ']'.repeat(66)],
  ])('is refused where it nests: %s', (_, text) => {
    expect(() => parseYaml(text, 'p.yaml', schema)).toThrow(UserError);
    expect(() => parseYaml(text, 'p.yaml', schema)).toThrow(/^p\.yaml:1:1: (nests far more|cannot be read as YAML: Excessive alias)/);
  });

  it('is read where it nests as deep as is allowed', () => {
    expect(parseYaml('['.repeat(64) + ']'.repeat(64), 'p.yaml', schema)).toHaveLength(1);
  });
});

describe('a text that was read before', () => {
  const schema = z.object({ list: z.array(z.number()), more: z.object({ name: z.string() }) });
  it('is checked once for each schema, and nobody changes what others get', () => {
    const text = 'list: [1, 2]\nmore: { name: a }\n';
    locateYaml(text, 'f.yaml', schema);
    const { value } = locateYaml(text, 'f.yaml', schema);
    expect(locateYaml(text, 'f.yaml', schema).value).toBe(value);
    expect(() => value.list.push(3)).toThrow(TypeError);
    expect(() => Object.assign(value.more, { name: 'b' })).toThrow(TypeError);
    const changed = locateYaml(text, 'f.yaml', schema, [{ path: ['more', 'name'], value: 'c', label: '--set more.name' }]).value;
    expect([changed.more.name, locateYaml(text, 'f.yaml', schema).value.more.name]).toEqual(['c', 'a']);
    expect(locateYaml(text, 'f.yaml', z.looseObject({})).value).toEqual({ list: [1, 2], more: { name: 'a' } });
    expect(() => locateYaml('list: [x]\n', 'f.yaml', schema)).toThrow('f.yaml:1:8');
  });
});

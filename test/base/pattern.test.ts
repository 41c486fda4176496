// Patterns from outside: they find what RegExp finds, other text is refused, and what RegExp never ends with ends.
import { describe, expect, it } from 'vitest';
import { Meter } from '../../src/base/meter.js';
import { parsePattern } from '../../src/base/pattern.js';
import { cases } from '../cases.js';
import { drawn } from '../support/drawn.js';
import { refusal } from '../support/own-parts.js';

const ATOMS = [
  'a',
  'b',
  '1',
  '2',
  '_',
  '.',
  '\\.',
  '\\d',
  '\\w',
  '\\D',
  '\\s',
  '[ab]',
  '[^a]',
  '[0-2_]',
  '[^\\d.]',
  '[\\w-]',
  '[.-]',
  '\\x61',
];
const COUNTS = ['*', '+', '?', '*?', '+?', '??', '{2}', '{0,1}', '{1,}', '{0}', '{2,3}?'];
const EDGES = ['^', '$', '\\b', '\\B'];

/** A pattern of both grammars; groups nest three deep. */
function pattern(next: (below: number) => number, depth = 3): string {
  const term = (): string => {
    const kind = next(12);
    const inner = (): string => (depth === 0 ? 'a' : pattern(next, depth - 1));
    if (kind === 0) return EDGES[next(4)]!;
    if (kind === 1) return `(?${'=!'[next(2)]}${inner()})`;
    const atom = kind < 5 ? `${['(', '(?:'][next(2)]}${inner()})` : ATOMS[next(ATOMS.length)]!;
    return atom + (next(3) === 0 ? COUNTS[next(COUNTS.length)]! : '');
  };
  const sequence = (): string => Array.from({ length: next(4) }, term).join('');
  return Array.from({ length: 1 + (next(3) === 0 ? 1 + next(2) : 0) }, sequence).join('|');
}

describe('a pattern finds what RegExp finds', () => {
  it('of random patterns and names', () => {
    const next = drawn(44);
    let [found, missed] = [0, 0];
    const tries = cases(60_000, 6000);
    for (let i = 0; i < tries; i++) {
      const source = pattern(next);
      const name = Array.from({ length: next(9) }, () => 'ab12_. -A\n'[next(next(3) === 0 ? 10 : 6)]).join('');
      const expected = new RegExp(source).test(name);
      expect(parsePattern(source).test(name), `/${source}/ in ${JSON.stringify(name)}`).toBe(expected);
      if (expected) found++;
      else missed++;
    }
    // Both answers are common: neither is right by chance.
    expect(Math.min(found, missed)).toBeGreaterThan(tries / 10);
  });

  // From command lines of profiles/measurements, and of guides to -ot.
  it.each([
    'exps',
    'ffn_.*_exps',
    '.ffn_(up|down)_exps.',
    'blk\\.[2-9][0-9]\\.ffn.*',
    'blk\\.(?:[0-9]*[02468])\\.ffn_.*_exps.',
    'blk\\.(5[3-9]|[6-9][0-9])\\.ffn_.*_exps.',
    'blk.([0-9]|[1][0-3]).ffn_.*',
    '^blk\\.(1|2|10)\\.ffn_(gate|up|down|gate_up)_exps\\.weight$',
    '^(?!blk\\.(0|1|2)\\.).*ffn_.*_exps.*',
    '\\.ffn_(up|down|gate|gate_up)_(ch|)exps\\.',
    'blk\\.\\d{2}\\.',
    'output\\.weight|token_embd',
  ])('%s, in the names of tensors', (source) => {
    const parts = ['ffn_gate_exps.weight', 'ffn_up_exps.weight', 'ffn_down_exps.weight', 'ffn_gate_up_exps.weight', 'attn_q.weight'];
    const names = [
      'output.weight',
      'token_embd.weight',
      ...Array.from({ length: 64 }, (_, l) => parts.map((part) => `blk.${l}.${part}`)).flat(),
    ];
    const own = parsePattern(source);
    const found = names.filter((name) => own.test(name));
    expect(found).toEqual(names.filter((name) => new RegExp(source).test(name)));
    expect(found.length).toBeGreaterThan(0);
  });
});

it.each([
  ['a ( is open', '('],
  ['a ) closes nothing', 'a)'],
  ['a [ is open', '[a'],
  ['[] has no character', '[]'],
  ['[b-a] counts down', '[b-a]'],
  ['[:...:] names a set', '[[:digit:]]'],
  ['* repeats nothing', '*'],
  ['* repeats nothing', 'a**'],
  ['* repeats nothing', '^*'],
  ['{ repeats nothing', 'a{'],
  ['{ repeats nothing', 'a{,3}'],
  ['{3,2} counts down', 'a{3,2}'],
  ['\\1 repeats what a group found', '(a)\\1'],
  ['(?<n: no such group', '(?<n>a)'],
  ['(?<=: no such group', '(?<=a)b'],
  ['nothing is behind the last \\', 'a\\'],
  ['\\u00 is no character', '\\u00'],
  ['\\cA is no character', '\\cA'],
  ['groups nest too deep', '('.repeat(300)],
  ['asks for more than 4,096 states', '('.repeat(5000)],
  ['asks for more than 4,096 states', 'a{5000}'],
  ['asks for more than 4,096 states', '((a{99}){99}){99}'],
  ['asks for more than 4,096 states', '((){999999999}){999999999}'],
  ['asks for more than 4,096 states', '(){2,999999999}'],
])('%s: refused', async (why, source) => {
  expect(await refusal(() => parsePattern(source))).toMatch(
    /^UserError: (is no regular expression that can be read: .|its pattern: asks for more than 4,096 states; .)/,
  );
  expect(await refusal(() => parsePattern(source))).toContain(why);
});

describe('the work is bounded', () => {
  const name = 'blk.10.ffn_gate_up_exps.weight'.repeat(30);

  // RegExp takes time that doubles with each letter of the name, on all of these.
  it.each(['^(((.|.)+)+)+!', '((.|.)+)+!', '(.*)*!', '(a?){40}(.+.+)+!', '((?=(.|.)+!)|.)+!', '(.*.*.*.*.*.*.*.*.*)!', '(?:(.+)+!|.)*!$'])(
    'of %s',
    (source) => {
      const own = parsePattern(source);
      expect(own.test(name)).toBe(false);
      expect(own.test(`${name}!`)).toBe(true);
    },
  );

  it('by the states of a pattern: each character of it is one, and counted repetitions are as many', () => {
    expect(parsePattern('(a{3}){4}').size).toBeGreaterThanOrEqual(12);
    expect(() => parsePattern('a'.repeat(2100))).toThrow('its pattern: asks for more than 4,096 states');
  });

  it('and by the steps of all patterns that share a meter: states times characters', () => {
    const pattern = parsePattern('ab', new Meter('x', { most: 200, unit: 'steps', instead: 'take less' }));
    const each = pattern.size * ('ab'.length + 1);
    const fits = Math.floor(200 / each);
    for (let i = 0; i < fits; i++) expect(pattern.test('ab')).toBe(true);
    expect(() => pattern.test('ab')).toThrow('x: asks for more than 200 steps; take less');
  });
});

// The shape of documents is looked at before anything walks them.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { keyTwice, nestsTooDeep, parseJsonBytes } from '../../src/base/nesting.js';

const parse = (text: string): unknown => parseJsonBytes(Buffer.from(text), 'a.json');
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

describe('parseJsonBytes', () => {
  it('reads what JSON.parse reads', () => {
    for (const text of ['1', '"[{"', '{"a\\"[":[1,{"b":"\\\\"}],"c":null}', ' [ ] ', '"\\u005b"', nested(64)]) {
      expect(parse(text)).toEqual(JSON.parse(text));
    }
  });

  it('refuses a document that nests too deep, by lists, objects or both', () => {
    for (const text of [nested(65), '{"a":'.repeat(65), '[{"a":'.repeat(40), '['.repeat(10_000_000)]) {
      expect(() => parse(text)).toThrow(UserError);
      expect(() => parse(text)).toThrow(/^a\.json: nests more than 64 lists and objects; no such file does$/);
    }
  });

  it('refuses a document of more lists than memory should hold', () => {
    expect(() => parse(`[${'[],'.repeat(4_000_000)}1]`)).toThrow(
      /^a\.json: asks for more than 4,000,000 lists and objects; write JSON lines/,
    );
  });

  it('counts no bracket of a text, whatever is escaped in it', () => {
    expect(parse(JSON.stringify(['['.repeat(100), '\\"'.repeat(100), '{']))).toHaveLength(3);
    expect(() => parse(`["\\\\",${nested(65)}]`)).toThrow(/nests more than 64/);
  });

  it('leaves to JSON.parse what is not JSON', () => {
    for (const text of ['', '"[', '"\\', ']]]]', '[1,2']) expect(() => parse(text)).toThrow(SyntaxError);
  });
});

describe('nestsTooDeep', () => {
  it('counts levels, also of what contains itself or is held twice', () => {
    expect(nestsTooDeep(JSON.parse(nested(64)))).toBe(false);
    expect(nestsTooDeep(JSON.parse(nested(66)))).toBe(true);
    const own: unknown[] = [];
    own.push(own);
    expect(nestsTooDeep(own)).toBe(true);
    let shared: unknown = 1;
    for (let level = 0; level < 50; level++) shared = [shared, shared];
    expect(nestsTooDeep(shared)).toBe(false);
  });
});

describe('keyTwice', () => {
  const twice = (text: string) => keyTwice(Buffer.from(text));

  it.each([
    ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', null],
    ['{"a":"a","b":"a:","c":["a","a"],"d":"\\"a\\":"}', null],
    ['{"a":1, "a" :2}', { key: 'a', at: 8 }],
    ['{"a":1,"\\u0061":2}', { key: 'a', at: 7 }],
    ['{"x":[{"é":1,\n"é"\t: 2}]}', { key: 'é', at: 15 }],
    ['{"__proto__":1,"__proto__":2}', { key: '__proto__', at: 15 }],
  ])('of %s is %o', (text, found) => {
    expect(twice(text)).toEqual(found);
  });
});

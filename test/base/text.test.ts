// Nearest names.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { didYouMean, editDistance, nearest, quoted, shortened, visible } from '../../src/base/text.js';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['lru', 'lru', 0],
    ['lru', 'lfu', 1],
    ['lur', 'lru', 1],
    ['kitten', 'sitting', 3],
    ['abc', '', 3],
  ])('%j to %j is %d', (a, b, distance) => expect(editDistance(a, b)).toBe(distance));

  it('is symmetric, zero only for equal words, and never above the longer length', () => {
    const word = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', 'c') });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(editDistance(b, a)).toBe(distance);
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });

  it('stops at its limit', () => expect(editDistance('aaaaaaaaaa', 'bbbbbbbbbb', 2)).toBe(3));
});

describe('nearest', () => {
  const models = ['mixtral-8x7b', 'mixtral-8x22b', 'qwen3-30b-a3b', 'qwen3-235b-a22b', 'gpt-oss-20b'];

  it('finds typing errors, forgotten punctuation, beginnings and parts', () => {
    expect(nearest('mixtarl-8x7b', models)[0]).toBe('mixtral-8x7b');
    expect(nearest('qwen330ba3b', models)[0]).toBe('qwen3-30b-a3b');
    expect(nearest('Mixtral_8x7B', models)[0]).toBe('mixtral-8x7b');
    expect(nearest('gpt-oss:20b', models)[0]).toBe('gpt-oss-20b'); // as Ollama writes it
    expect(nearest('mixtral', models)).toEqual(['mixtral-8x22b', 'mixtral-8x7b']);
    expect(nearest('oss', models)).toEqual(['gpt-oss-20b']);
  });

  it('finds nothing where nothing is near', () => {
    expect(nearest('zebra', models)).toEqual([]);
    expect(nearest('', models)).toEqual([]);
    expect(nearest('qx', ['lru', 'lfu'])).toEqual([]);
  });
});

describe('didYouMean', () => {
  it('offers the near, else the known', () => {
    expect(didYouMean('lrru', ['lru', 'fifo'])).toBe('did you mean "lru"?');
    expect(didYouMean('xyz', ['lru', 'fifo'])).toBe('known: lru, fifo');
    expect(didYouMean('xyz', [])).toBe('there are none');
    const many = Array.from({ length: 15 }, (_, i) => `n${i}`);
    expect(didYouMean('zebra', many)).toBe(`known: ${many.slice(0, 12).join(', ')} and 3 more`);
  });
});

describe('text of files in messages', () => {
  it('is one line that drives no terminal and turns no direction', () => {
    expect(visible('a\n::error::b\r\n\tc')).toBe('a \\u{3a}:error::b c');
    expect(visible('::x mod::y ##[add-mask]z')).toBe('\\u{3a}:x mod::y #\\u{23}[add-mask]z');
    expect(visible('\u001b[31m\u0007\u202e\ud800')).toBe('\\u{1b}[31m\\u{7}\\u{202e}\\u{d800}');
    expect(visible('größer 東京 😀')).toBe('größer 東京 😀');
    expect(new UserError('x\u001by').message).toBe('x\\u{1b}y');
  });

  it('is cut in its middle', () => {
    expect(shortened('a'.repeat(500))).toBe('a'.repeat(500));
    expect(new UserError(`begin${'a'.repeat(1e6)}end`).message).toMatch(/^begina{315} … a{167}end$/);
  });

  it('is quoted in at most 60 characters', () => {
    expect(quoted({ toString: 1 })).toBe('{"toString":1}');
    expect(quoted(undefined)).toBe('undefined');
    expect(quoted('a'.repeat(100))).toBe(`"${'a'.repeat(56)}...`);
  });
});

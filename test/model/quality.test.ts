// Order by published scores: two scales never mix, and what has none stands behind, by release. A table of the user's replaces both.
import { describe, expect, it } from 'vitest';
import { listProfiles } from '../../src/base/profiles.js';
import { loadProfile } from '../../src/model/load/load.js';
import { qualityIn, qualityOf } from '../../src/model/quality.js';

describe('the bundled table', () => {
  it('has every model that is offered, with a score or a date', () => {
    const offered = listProfiles('models').filter((name) => loadProfile(name).offered);
    const bare = qualityIn('x 1', 'x');
    expect(offered.length).toBeGreaterThan(60);
    // Behind all rated ones stand unknown names, in order of the alphabet: none of the offered is there.
    const unknown = qualityOf().ordered([...offered, 'zzz']);
    expect(unknown.at(-1)).toBe('zzz');
    expect(bare.ordered(['b', 'a', 'x'])).toEqual(['x', 'a', 'b']);
  });

  it('puts models of this year first, by the scale of September', () => {
    const order = qualityOf().ordered(['gpt-oss-120b', 'mixtral-8x7b', 'qwen3.6-35b-a3b', 'qwen3.8-flash-next', 'kimi-k3', 'olmoe-1b-7b']);
    expect(order).toEqual(['kimi-k3', 'qwen3.8-flash-next', 'qwen3.6-35b-a3b', 'gpt-oss-120b', 'olmoe-1b-7b', 'mixtral-8x7b']);
  });
});

describe('two scales', () => {
  const two = qualityIn(
    'name new old month\na 50 90 2026-01\nb 30 70 2025-12\nc 10 - 2026-02\nd - 80 2024\ne - 60 2024-05?\nf - - 2025-01\ng - - 2026?\n',
    't',
  );

  it('meet at models that both have: scores of one are never beside those of the other', () => {
    // d is below a and above b, e below b; c has only 10 of the new scale, which e is not compared with.
    expect(two.ordered(['g', 'f', 'e', 'd', 'c', 'b', 'a'])).toEqual(['a', 'd', 'b', 'e', 'c', 'g', 'f']);
    expect(two.scoreOf('a')).toEqual({ score: 50, scale: 'new' });
    expect(two.scoreOf('d')).toEqual({ score: 80, scale: 'old' });
    expect([two.scoreOf('f'), two.scoreOf('none')]).toEqual([null, null]);
  });
});

describe("a table of the user's", () => {
  it.each([
    ['gpt-oss-20b 3\nolmoe-1b-7b 9\n', ['olmoe-1b-7b', 'gpt-oss-20b']],
    ['# mine\nname score\ngpt-oss-20b,3\nolmoe-1b-7b,-1\n', ['gpt-oss-20b', 'olmoe-1b-7b']],
  ])('%j', (text, order) => {
    expect(qualityIn(text, 'mine.txt').ordered(['gpt-oss-20b', 'olmoe-1b-7b'])).toEqual(order);
  });

  it.each([
    ['', 'mine.txt: has no model; write a row each: name score'],
    ['a b c\n', 'mine.txt:1: has 3 words, and 2 are expected: name score'],
    ['a 1\na 2\n', 'mine.txt:2: a stands twice; keep one of them'],
    ['a good\n', 'mine.txt:1: "good" is no score; write a number, or - for none'],
    ['a Infinity\n', 'mine.txt:1: "Infinity" is no score; write a number, or - for none'],
  ])('%j is refused in a line', (text, message) => {
    expect(() => qualityIn(text, 'mine.txt')).toThrow(message);
  });
});

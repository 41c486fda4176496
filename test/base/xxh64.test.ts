// XXH64 against the values of its reference implementation (xxhsum), and against itself in pieces.
import { describe, expect, it } from 'vitest';
import { Xxh64 } from '../../src/base/xxh64.js';

function hashOf(bytes: Uint8Array, step = bytes.length || 1): string {
  const hash = new Xxh64();
  for (let at = 0; at < bytes.length; at += step) hash.update(bytes.subarray(at, at + step));
  return hash.digest().toString(16).padStart(16, '0');
}

describe('Xxh64', () => {
  it.each([
    ['', 'ef46db3751d8e999'],
    ['a', 'd24ec4f1a98c6e5b'],
    ['abc', '44bc2cf5ad770999'],
    ['Nobody inspects the spammish repetition', 'fbcea83c8a378bf1'],
  ])('of %j is that of the reference', (text, expected) => {
    expect(hashOf(Buffer.from(text))).toBe(expected);
  });

  it('does not depend on the pieces, nor on the sign of a half', () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 2654435761) >>> 24);
    const whole = hashOf(bytes);
    expect(whole).toBe('8420addb9882cc1b');
    for (const step of [1, 3, 31, 32, 33, 100, 999]) expect(hashOf(bytes, step)).toBe(whole);
    expect(hashOf(new Uint8Array(64).fill(255), 5)).toBe('2e54fae2959dbb84');
  });
});

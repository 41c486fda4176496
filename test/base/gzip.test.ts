// Gzip in pieces: one member that any reader reads, equal for equal inputs.
import { execFileSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Gzip } from '../../src/base/gzip.js';
import { Random } from '../../src/base/random.js';

function zipped(pieces: readonly Uint8Array[]): Buffer {
  const out: Uint8Array[] = [];
  const gzip = new Gzip((bytes) => out.push(bytes));
  for (const piece of pieces) gzip.write(piece);
  gzip.end();
  return Buffer.concat(out);
}

describe('Gzip', () => {
  const random = new Random(1, 'test/gzip');
  const text = Buffer.from(Array.from({ length: 5000 }, (_, i) => `{"i":${i},"x":${random.next()}}`).join('\n'));
  const noise = Uint8Array.from({ length: 70_000 }, () => random.below(256));

  it.each<[string, readonly Uint8Array[]]>([
    ['nothing', []],
    ['an empty piece', [Buffer.alloc(0)]],
    ['one piece', [text]],
    ['many pieces', Array.from({ length: 50 }, (_, i) => text.subarray(i * 100, i * 100 + 100))],
    ['what cannot be compressed', [noise, text, noise]],
  ])('gives back %s', (_name, pieces) => {
    const whole = Buffer.concat(pieces);
    expect(gunzipSync(zipped(pieces)).equals(whole)).toBe(true);
    expect(execFileSync('gzip', ['-dc'], { input: zipped(pieces), maxBuffer: 2 ** 28 }).equals(whole)).toBe(true);
    expect(zipped(pieces).equals(zipped(pieces))).toBe(true);
  });

  it('compresses', () => {
    expect(zipped([text]).length).toBeLessThan(text.length / 2);
  });

  it('is refused by a reader when a byte is wrong or missing', () => {
    const whole = zipped([text]);
    const damaged = Buffer.from(whole);
    damaged[damaged.length - 7]! ^= 1;
    expect(() => gunzipSync(damaged)).toThrow(/incorrect data check/);
    expect(() => gunzipSync(whole.subarray(0, -9))).toThrow(/unexpected end/);
  });
});

// Seeded ways to damage a file: bits, lengths, numbers, nesting, splices, and what YAML makes of a few characters.
import type { Random } from '../../src/base/random.js';

/** Values that break readers which believe what they read. */
const BYTES = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x5b, 0x7b, 0x2c, 0x2d, 0x39, 0x0a];
const NUMBERS = [
  '0',
  '-0',
  '-1',
  '1e308',
  '-1e308',
  '1e-300',
  '9007199254740993',
  '4294967296',
  '65535',
  '2147483648',
  '1.5',
  'NaN',
  'Infinity',
  '.inf',
  '0x7f',
  '1e',
  '',
  '"1"',
  'null',
  '[]',
  '{}',
];
const TRICKS = [
  '&a ',
  '*a',
  '!!binary ',
  '!!js/function ',
  '? ',
  '<<: *a\n',
  '\t',
  '|\n',
  '>-\n',
  '---\n',
  '...\n',
  '%YAML 9.9\n',
  '@',
  '`',
  '"\\u0000"',
  '\u202e',
  '\ud800',
  '\u001b[31m',
  '\r',
  '#',
  ': ',
  '- - - - ',
  '{a: ',
  '[[',
  "'",
];
const NEST = ['[', '{"a":', '- ', '{a: ', '(', ']', '}'];

/** `bytes`, damaged one to four times; `others` are what it is spliced with. */
export function mutate(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Buffer {
  let out = Buffer.from(bytes);
  for (let times = 1 + random.below(4); times > 0 && out.length > 0; times--) {
    const at = random.below(out.length);
    const span = 1 + random.below(Math.min(64, out.length - at));
    const insert = (text: string): Buffer<ArrayBuffer> => Buffer.concat([out.subarray(0, at), Buffer.from(text), out.subarray(at)]);
    switch (random.below(12)) {
      case 0:
        out[at]! ^= 1 << random.below(8);
        break;
      case 1:
        out[at] = pick(BYTES, random);
        break;
      case 2:
        out = Buffer.from(out.subarray(0, at));
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + span)]);
        break;
      case 4:
        out = Buffer.concat([out.subarray(0, at + span), out.subarray(at)]);
        break;
      case 5: // A length bomb, of 4 or 8 bytes; the sign bit is left out of some.
        for (let i = 0, length = random.below(2) * 4 + 4; i < Math.min(length, out.length - at); i++) out[at + i] = 0xff;
        if (random.below(2) === 0 && at + 3 < out.length) out[at + 3] = 0x7f;
        break;
      case 6: // A number grows digits.
        out = insert('9'.repeat(1 + random.below(12)));
        break;
      case 7: // Deep nesting.
        out = insert(pick(NEST, random).repeat(200 + random.below(5000)));
        break;
      case 8:
        out = withNumber(out, at, pick(NUMBERS, random));
        break;
      case 9:
        out = insert(pick(TRICKS, random));
        break;
      case 10: // A part many times over.
        out = Buffer.concat([
          out.subarray(0, at),
          ...new Array<Buffer>(2 + random.below(300)).fill(out.subarray(at, at + span)),
          out.subarray(at),
        ]);
        break;
      default: {
        const other = others[random.below(others.length)]!;
        out = Buffer.concat([out.subarray(0, at), other.subarray(random.below(Math.min(200, other.length)))]);
      }
    }
  }
  return out;
}

/** The next number of a text in another's place. */
function withNumber(text: Buffer, from: number, number: string): Buffer<ArrayBuffer> {
  const isDigit = (at: number): boolean => text[at]! >= 0x30 && text[at]! <= 0x39;
  let start = from;
  while (start < text.length && !isDigit(start)) start++;
  let end = start;
  while (end < text.length && isDigit(end)) end++;
  return Buffer.concat([text.subarray(0, start), Buffer.from(number), text.subarray(end)]);
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[random.below(list.length)]!;
}

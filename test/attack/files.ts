// Files that hurt: each is small, says more than it holds, and is built here byte by byte.
import { deflateRawSync } from 'node:zlib';
import { npyBytes, zipBytes } from '../trace/formats/fixtures.js';

/** A .pt file whose pickle is this. */
function pickled(...parts: readonly (string | Buffer)[]): Buffer {
  const pickle = Buffer.concat([
    Buffer.from([0x80, 2]),
    ...parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  ]);
  return zipBytes({ 'saved/data.pkl': pickle });
}

const word = (text: string): string => `X${String.fromCharCode(text.length)}\0\0\0${text}`;
const NAME = word('topk_ids_of_layer');
const STACK_GLOBAL = '\x93';
const TUPLE1 = '\x85';

/** A list that holds another one twice, sixty times over: 2^60 entries to whoever spells it. */
const shared = `]K\x01aq\0${Array.from({ length: 60 }, (_, i) => `0](h${String.fromCharCode(i)}h${String.fromCharCode(i)}eq${String.fromCharCode(i + 1)}`).join('')}`;

/** Pickles of SGLang's recorder that would run out of something. */
export const pickles: Readonly<Record<string, () => Buffer>> = {
  'a name that is a list of 2^60 entries': () => pickled(`${NAME}0${shared}${word('x')}${STACK_GLOBAL}.`),
  'a name that is nested 200,000 deep': () => pickled(`${NAME}0)${TUPLE1.repeat(200_000)}${word('x')}${STACK_GLOBAL}.`),
  'a dict that is nested 200,000 deep': () => pickled(`}${NAME})${TUPLE1.repeat(200_000)}s.`),
  'an end of a group that never began': () => pickled(`${NAME}${'t'.repeat(100)}.`),
};

/** Archives of arrays that say more than they hold. */
export const archives: Readonly<Record<string, () => Buffer>> = {
  'arrays whose names are 60,000 bytes': () =>
    zipBytes({ [`${'a'.repeat(60_000)}.npy`]: new Uint8Array(1), [`${'\u001b[31m\n'.repeat(6000)}.npy`]: new Uint8Array(1) }),
  'a directory of more members than any recording has': () => {
    const zip = zipBytes({ 'a.npy': new Uint8Array(1) });
    zip.writeUInt16LE(0xffff, zip.length - 12);
    const locator = Buffer.alloc(20);
    locator.write('PK\x06\x07', 'latin1');
    locator.writeBigUInt64LE(BigInt(zip.length - 22), 8);
    const record = Buffer.alloc(56);
    record.writeBigUInt64LE(999_999n, 32);
    return Buffer.concat([zip.subarray(0, -22), record, locator, zip.subarray(-22)]);
  },
  'a checksum of another array': () => {
    const zip = zipBytes({ 'experts.npy': npyBytes('|u1', [2, 2, 2], new Uint8Array([0, 1, 2, 3, 1, 2, 3, 0])) });
    zip[zip.indexOf('PK\x01\x02', 0, 'latin1') - 1]! ^= 1;
    return zip;
  },
  'a checksum of another array, deflated': () => {
    const array = npyBytes('|u1', [2, 2, 2], new Uint8Array([0, 1, 2, 3, 1, 2, 3, 0]));
    const zip = zipBytes({ 'experts.npy': array }, true);
    const other = npyBytes('|u1', [2, 2, 2], new Uint8Array([0, 1, 2, 3, 1, 2, 0, 3]));
    const [from, to] = [deflateRawSync(array), deflateRawSync(other)];
    if (from.length !== to.length) throw new Error('the two arrays must pack to one size');
    to.copy(zip, zip.indexOf(from));
    return zip;
  },
};

/** Pickles that take seconds to build and to refuse. */
export const longPickles: Readonly<Record<string, () => Buffer>> = {
  '20 million dicts': () => pickled(NAME, Buffer.alloc(20_000_000, '}'), '.'),
  '8 million references on the stack': () => pickled(`${NAME}q\0`, Buffer.alloc(16_000_000, 'h\0'), '.'),
  '5 million entries of the memo': () => {
    const entries = Buffer.alloc(25_000_000);
    for (let i = 0; i < 5_000_000; i++) {
      entries[i * 5] = 0x72;
      entries.writeUInt32LE(i, i * 5 + 1);
    }
    return pickled(NAME, entries, '.');
  },
};

/** Archives that take as long. */
export const largeArchives: Readonly<Record<string, () => Buffer>> = {
  'an array that unpacks to a thousand times its size': () =>
    zipBytes({ 'experts.npy': npyBytes('|u1', [1_000_000, 50, 2], new Uint8Array(100_000_000)) }, true),
  'ten thousand arrays': () =>
    zipBytes(
      Object.fromEntries(
        Array.from({ length: 10_000 }, (_, i) => [`array-${'x'.repeat(30)}-${i}.npy`, npyBytes('|u1', [1, 1, 1], new Uint8Array(1))]),
      ),
    ),
};

// zstd without Node's help: what the zstd program packed, frames one after another, and streams that lie or end early.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { openTrace } from '../../src/trace/open/open.js';
import { unzstd } from '../../src/trace/zstd.js';
import { fileOf, temporaryFolder } from './builders.js';
import { zstdBomb, zstdBytes } from './formats/packed-bytes.js';

const folder = temporaryFolder();

/** `layer_id,expert_ids` and 60 lines, 431 bytes, as `zstd -19` and `zstd -3 --no-check` pack them. */
const PACKED = [
  'KLUv/WSvAD0EAJKIFhSgG4sBRjvx7goA3ffL7q0c/dAKBYR/w2ri37Ca+DesJv4Nq4l/w2ri37Ca+DesJv5dgiENFdi0F2BHeq0h5aU24ZV29IWGdNc2DXV2xDTLoTiHGQixHE+RBDSoEXB3v/YNcDusASAC6gMA1mkYYVRicvW2YwCxebcz8gySvQNpVgVSDRkeElQ=',
  'KLUv/WCvAF0FAFJIFxawJW3CsZqg48g0MHgmRCJ7p+/FoO4EdJcm3lfIauJ9haym3lfIauJ9haymJt4+o4m3i51METOpa+0oXWondKWZ7kI7sut2OpfNZOrsSFAYw+A4AcKxwhiOUyAAATQgwDPyQ+YuO2TcYEOOG3Zl3MGGjBvsyL3Bhhw32JC5lw0ZN9gh44ZdOW6wIeMOBkYmAfcMNgTjBgd1GTDi3mBDZtyAg4CMaGbQzA==',
].map((text) => Buffer.from(text, 'base64'));
const SHA256 = '832db80e98430ae9e2bf14170d225238b55b7fe80c88fc857571884dfa93663a';

async function unpack(bytes: Uint8Array, step = bytes.length): Promise<Buffer> {
  const pieces = function* (): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
  };
  const parts: Uint8Array[] = [];
  for await (const part of unzstd('x.zst')(Readable.from(pieces()))) parts.push(part);
  return Buffer.concat(parts);
}

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('unzstd', () => {
  it.each([1, 7, 64, 1000])('reads what zstd packed, %i bytes at a time', async (step) => {
    expect(hash(await unpack(PACKED[0]!, step))).toBe(SHA256);
  });

  it('reads frames one after another, skippable ones and those without a checksum too', async () => {
    const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9]);
    const raw = Buffer.from('raw blocks');
    for (const step of [1, 1000]) {
      const all = await unpack(Buffer.concat([zstdBytes(raw), skippable, PACKED[0]!, zstdBytes(new Uint8Array(0))]), step);
      expect(all.subarray(0, 10).toString()).toBe('raw blocks');
      expect(hash(all.subarray(10))).toBe(SHA256);
    }
  });

  it('reads frames of many blocks', async () => {
    const content = Buffer.alloc(300_000, 'layer,expert ');
    expect((await unpack(zstdBytes(content), 5000)).equals(content)).toBe(true);
  });

  it.each([1, 9, 20, 60])('refuses a stream that ends after %i bytes', async (length) => {
    await expect(unpack(PACKED[0]!.subarray(0, length))).rejects.toThrow();
  });

  it('refuses bytes behind the last frame', async () => {
    await expect(unpack(Buffer.concat([PACKED[0]!, Buffer.from('more')]))).rejects.toThrow(/invalid zstd data/);
  });

  it('refuses a window larger than a level up to 19 makes', async () => {
    expect(await unpack(zstdBytes(Buffer.from('fits'), { exponent: 13 }))).toHaveLength(4);
    const wide = zstdBytes(Buffer.from('wide'), { exponent: 17 });
    await expect(unpack(wide)).rejects.toThrow(UserError);
    await expect(unpack(wide)).rejects.toThrow(
      /^x\.zst: was compressed with a window of 128 MiB; on this Node up to 8 MiB can be decompressed/,
    );
    // One segment of 4 GiB, claimed by four bytes.
    const claim = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xff, 0xff, 0xff, 0xff]);
    await expect(unpack(claim)).rejects.toThrow(/a window of 4096 MiB/);
  });

  it('gives out one block at a time, so that a bomb is noticed early', async () => {
    const stream = Readable.from(unzstd('x.zst')(Readable.from([zstdBomb(1000)])));
    const first = (await once(stream, 'data')) as [Uint8Array];
    stream.destroy();
    expect(first[0].length).toBeLessThanOrEqual(128 * 1024);
  });
});

describe('openTrace', () => {
  it('reads .zst files', async () => {
    const trace = await openTrace(fileOf(folder, 'log.csv.zst', PACKED[0]!));
    expect([trace.tokens, trace.layers, trace.meta.format]).toEqual([20, 3, 'llamacpp-log-experts']);
    trace.close();
  });

  it.each([
    ['a bomb', zstdBomb(1000), /bomb: unpacks to more than 400 times its size/],
    ['a damaged stream', PACKED[0]!.subarray(0, 100), /bomb: cannot be decompressed/],
  ])('refuses %s', async (_what, bytes, message) => {
    const opening = openTrace(fileOf(folder, 'bomb', bytes));
    await expect(opening).rejects.toThrow(UserError);
    await expect(opening).rejects.toThrow(message);
  });
});

// Containers from strangers: pickles, archives, packed streams. Each of these took all memory, all time, an internal error, or gave
// figures of a damaged file.
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { openTrace } from '../../src/trace/open/open.js';
import { unzstd, wholeFrames } from '../../src/trace/zstd.js';
import { fileOf, safetensorsBytes, temporaryFolder } from '../trace/builders.js';
import { archives, pickles } from './files.js';

const folder = temporaryFolder();

async function refusal(bytes: Uint8Array): Promise<string> {
  const error: unknown = await openTrace(fileOf(folder, 'hostile', bytes)).then(
    (trace) => trace.close(),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof UserError)) throw new Error('it is read, or breaks', { cause: error });
  return error.message;
}

describe('a pickle with', () => {
  it.each(Object.entries(pickles))('%s is refused in one line', async (_, build) => {
    const message = await refusal(build());
    expect(message).toMatch(/: this pickle is refused: [ -~]+$/);
    expect(message.length).toBeLessThanOrEqual(500);
  });
});

describe('an archive with', () => {
  it.each(Object.entries(archives))('%s is refused in one line', async (_, build) => {
    const message = await refusal(build());
    expect(message).toMatch(/(400 times its size|no trace format|is named routed_experts|so many|its checksum is another one)[ -~…]*$/);
    expect(message).not.toMatch(/[\p{C}\n]/u);
    expect(message.length).toBeLessThanOrEqual(500);
  });
});

/** `layer_id,expert_ids` and 60 lines, as `zstd -19` packs them. */
const ZSTD = Buffer.from(
  'KLUv/WSvAD0EAJKIFhSgG4sBRjvx7goA3ffL7q0c/dAKBYR/w2ri37Ca+DesJv4Nq4l/w2ri37Ca+DesJv5dgiENFdi0F2BHeq0h5aU24ZV29IWGdNc2DXV2xDTLoTiHGQixHE+RBDSoEXB3v/YNcDusASAC6gMA1mkYYVRicvW2YwCxebcz8gySvQNpVgVSDRkeElQ=',
  'base64',
);

async function drained(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

describe('a damaged zstd stream', () => {
  it('is refused wherever it is cut, whoever decodes it', async () => {
    for (let length = 1; length < ZSTD.length; length++) {
      const cut = (): Readable => Readable.from([ZSTD.subarray(0, length)]);
      await expect(drained(unzstd('x.zst')(cut())), `${length} bytes`).rejects.toThrow();
      await expect(drained(wholeFrames(cut())), `${length} bytes`).rejects.toThrow(/the stream is cut short|invalid zstd data/);
    }
    expect(await drained(wholeFrames(Readable.from([ZSTD])))).toEqual(ZSTD);
  });

  it('is refused, or gives what it held, whichever bit flips', async () => {
    const whole = await drained(unzstd('x.zst')(Readable.from([ZSTD])));
    for (let bit = 0; bit < ZSTD.length * 8; bit++) {
      const flipped = Buffer.from(ZSTD);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const content = await drained(unzstd('x.zst')(Readable.from([flipped]))).catch(() => null);
      // The flag that a checksum follows is no part of what it covers: without it, four bytes are left over, and refused.
      if (content !== null) expect(content.equals(whole), `bit ${bit}`).toBe(true);
    }
  });
});

describe('a damaged gzip stream', () => {
  const gzip = gzipSync(Buffer.from('layer_id,expert_ids\n0,1 2\n1,3 4\n'));

  it('is refused wherever it is cut, or its trailer flips', async () => {
    for (let length = 3; length < gzip.length; length++) expect(await refusal(gzip.subarray(0, length))).toMatch(/cannot be decompressed/);
    for (let bit = (gzip.length - 8) * 8; bit < gzip.length * 8; bit++) {
      const flipped = Buffer.from(gzip);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(await refusal(flipped)).toMatch(/cannot be decompressed: incorrect (data|length) check/);
    }
  });
});

describe('a trace that changes while it is read', () => {
  const bytes = safetensorsBytes(
    { experts: { dtype: 'U8', shape: [4, 1, 2], data: new Uint8Array([0, 1, 1, 2, 2, 3, 3, 0]) } },
    { format: 'moeprof.trace/1', num_experts: '4' },
  );

  it.each([
    ['grows', (path: string) => appendFileSync(path, 'x')],
    ['is written over', (path: string) => writeFileSync(path, bytes)],
  ])('is refused where it %s', async (_, change) => {
    const path = join(folder, 'changing.safetensors');
    writeFileSync(path, bytes);
    const trace = await openTrace(path);
    // Clocks of file systems tick every few milliseconds.
    const before = Date.now();
    while (Date.now() - before < 20);
    change(path);
    expect(() => trace.sha256()).toThrow(/changing\.safetensors: was changed while it was read/);
    trace.close();
  });
});

describe('a document of another shape than its format', () => {
  it('is refused where a list is an object, or an id is no number of 32 bits', async () => {
    for (const text of ['{"text":"","meta_info":{}}', '7', '"x"', '[[0,1e300]]', '[[1e10,1]]', '[[0,1.5]]', '[[0,null]]', '[[[0,1]]]']) {
      const path = fileOf(folder, 'imp.json', Buffer.from(text));
      await expect(openTrace(path, { format: 'imp' }), text).rejects.toThrow(
        /imp\.json: (is no list of|entry 0: not) \[layer, expert, …\]$/,
      );
    }
  });
});

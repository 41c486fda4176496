// What is large: bombs that say little and unpack to much, files that hold millions of things, and documents that are wide. They take
// seconds to build; smaller ones of the same kinds are in test/attack.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { UserError } from '../../../src/base/errors.js';
import { openTrace } from '../../../src/trace/open/open.js';
import { largeArchives, longPickles } from '../../attack/files.js';
import { parseYaml } from '../../support/yaml.js';
import { fileOf, safetensorsBytes, temporaryFolder } from '../../trace/builders.js';
import { zipBytes } from '../../trace/formats/fixtures.js';
import { zstdBomb } from '../../trace/formats/packed-bytes.js';

const folder = temporaryFolder();

/** The line that a file is refused with. */
async function refusal(bytes: Uint8Array): Promise<string> {
  const error: unknown = await openTrace(fileOf(folder, 'large', bytes)).then(
    (trace) => trace.close(),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof UserError)) throw new Error('it is read, or breaks', { cause: error });
  expect(error.message).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]{1,500}$/u);
  return error.message;
}

describe('a pickle with', () => {
  it.each(Object.entries(longPickles))('%s is refused in one line', async (_, build) => {
    expect(await refusal(build())).toMatch(/: (?:this pickle is refused: |asks for more than )[ -~]+$/);
  });
});

describe('an archive with', () => {
  it.each(Object.entries(largeArchives))('%s is refused in one line', async (_, build) => {
    expect(await refusal(build())).toMatch(/(400 times its size|no trace format|is named routed_experts|so many)[ -~…]*$/);
  });
});

describe('a file that is or claims to be large', () => {
  it.each([
    [
      'a zip whose entry claims gigabytes',
      () => {
        const zip = zipBytes({ 'experts.npy': new Uint8Array(100) }, true);
        const at = zip.indexOf(Buffer.from('PK\x01\x02', 'latin1'));
        zip.writeUInt32LE(0xfffffff0, at + 24);
        return zip;
      },
    ],
    [
      'a deflated entry that unpacks to more than it says',
      () => {
        const zip = zipBytes({ 'experts.npy': new Uint8Array(50_000_000) }, true);
        const at = zip.indexOf(Buffer.from('PK\x01\x02', 'latin1'));
        zip.writeUInt32LE(1000, at + 24);
        return zip;
      },
    ],
    ['a zstd bomb', () => zstdBomb(20_000)],
    ['JSON nested a million deep', () => Buffer.from(`{"choices":${'['.repeat(1_000_000)}`)],
    ['a line of 20 MB', () => Buffer.concat([Buffer.from('layer_id,expert_ids\n0,'), Buffer.alloc(20 << 20, '1 ')])],
    [
      'a million layers in a header',
      () => Buffer.from('{"format":"moeprof.trace/1","num_layers":"999999999","top_k":"8"}\n{"experts":[[1]]}\n'),
    ],
    [
      'a row of a million choices',
      () => safetensorsBytes({ experts: { dtype: 'U8', shape: [1, 3, 1_000_000], data: new Uint8Array(3_000_000) } }),
    ],
    [
      'a shape whose product overflows',
      () => safetensorsBytes({ experts: { dtype: 'U8', shape: [2 ** 40, 2 ** 40, 2 ** 40], data: new Uint8Array(4) } }),
    ],
    ['a gzip bomb', () => gzipSync(Buffer.alloc(80 << 20))],
  ])('%s is refused', async (_what, build) => {
    expect(await refusal(build())).not.toBe('');
  });
});

describe('a YAML document', () => {
  const schema = z.unknown();

  it('may be wide: a list of 130,000 entries', () => {
    expect(parseYaml(`[${'1,'.repeat(130_000)}1]`, 'p.yaml', schema)).toHaveLength(130_001);
  });

  it('has its keys compared by name, not each with each: 30,000 of them, and the one that stands twice is found', () => {
    const keys = Array.from({ length: 30_000 }, (_, key) => `k${key}: 1`);
    expect(Object.keys(parseYaml(keys.join('\n'), 'p.yaml', schema) as object)).toHaveLength(30_000);
    expect(() => parseYaml([...keys, 'k77: 2'].join('\n'), 'p.yaml', schema)).toThrow(
      /^p\.yaml:30001:1: this key stands twice; keep one of them$/,
    );
  });
});

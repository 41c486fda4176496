// Damaged files of every layout: an error or a correct read, never a crash, a hang or a runaway of memory. The corpus is the layouts of
// fixtures.ts; MOEPROF_FUZZ=20000 npx vitest run --project unit test/trace/fuzz.test.ts makes the long run, and prints the slowest file
// and the peak of memory (MOEPROF_FUZZ_SEED=n makes another one).
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { openPopularity, openTrace } from '../../src/trace/open.js';
import { allocateChunk } from '../../src/trace/trace.js';
import { cases } from '../cases.js';
import { fileOf, safetensorsBytes, temporaryFolder, uniformModel } from './builders.js';
import {
  captureBytes,
  countFixtures,
  EXPERTS,
  eventBytes,
  fixtures,
  flat,
  LAYERS,
  passes,
  TOKENS,
  TOP_K,
  tableBytes,
  zipBytes,
} from './formats/fixtures.js';
import { zstdBomb } from './formats/packed-bytes.js';

const RUNS = Number(process.env.MOEPROF_FUZZ ?? cases(1000));
const folder = temporaryFolder();
const model = uniformModel(LAYERS, EXPERTS, TOP_K);

const seeds: Readonly<Record<string, Uint8Array>> = {
  ...Object.fromEntries(Object.entries({ ...fixtures, ...countFixtures }).map(([name, { bytes }]) => [name, bytes])),
  safetensors: safetensorsBytes(
    { experts: { dtype: 'U8', shape: [TOKENS, LAYERS, TOP_K], data: Uint8Array.from(flat('tlk')) } },
    { format: 'moeprof.trace/1', num_experts: String(EXPERTS) },
  ),
  jsonl: Buffer.from(
    '{"format":"moeprof.trace/1","num_experts":"12"}\n{"request":0,"position":0,"phase":"decode","token":1,"experts":[[3,4],[7,9]]}\n',
  ),
  'moe-cache-eval unions': eventBytes(passes),
  'parquet of lists, second version of pages': tableBytes('UNCOMPRESSED', { v2: true, dictionary: true }),
  'vllm-expert-capture, not packed': captureBytes('UNCOMPRESSED', 100),
};
const layouts = Object.keys(seeds);
const corpus = Object.values(seeds);

/** Values that break readers which believe what they read. */
const NASTY = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x5b, 0x7b, 0x2c, 0x2d, 0x39, 0x0a];

/** One way to damage a file, a few times over. */
function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let out = Buffer.from(bytes);
  for (let times = 1 + random.below(4); times > 0 && out.length > 0; times--) {
    const at = random.below(out.length);
    const span = 1 + random.below(Math.min(64, out.length - at));
    switch (random.below(9)) {
      case 0:
        out[at]! ^= 1 << random.below(8);
        break;
      case 1:
        out[at] = NASTY[random.below(NASTY.length)]!;
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
      case 5: // A length bomb, of 4 or 8 bytes.
        for (let i = 0; i < Math.min(random.below(2) * 4 + 4, out.length - at); i++) out[at + i] = 0xff;
        break;
      case 6: // A number grows digits.
        out = Buffer.concat([out.subarray(0, at), Buffer.from('9'.repeat(1 + random.below(12))), out.subarray(at)]);
        break;
      case 7: // Deep nesting.
        out = Buffer.concat([out.subarray(0, at), Buffer.from('['.repeat(200 + random.below(5000))), out.subarray(at)]);
        break;
      default: // Two files spliced.
        out = Buffer.concat([out.subarray(0, at), corpus[random.below(corpus.length)]!.subarray(random.below(200))]);
    }
  }
  return out;
}

async function read(bytes: Uint8Array, withModel: boolean): Promise<'read' | 'refused'> {
  const path = fileOf(folder, 'damaged', bytes);
  const options = withModel ? { model } : {};
  try {
    try {
      const trace = await openTrace(path, options);
      const chunk = allocateChunk(trace, 64);
      for (let start = 0; start < trace.tokens; start += 64) trace.read(start, Math.min(64, trace.tokens - start), chunk);
      trace.close();
    } catch (error) {
      if (!(error instanceof UserError) || !error.message.includes('not when')) throw error;
      await openPopularity(path, options);
    }
    return 'read';
  } catch (error) {
    if (!(error instanceof UserError)) throw new Error(`not a UserError: ${(error as Error).stack}`);
    expect(error.message).not.toContain('\n');
    return 'refused';
  }
}

describe('damaged files', () => {
  it(`${RUNS} mutations are read or refused`, { timeout: 60_000 + RUNS * 60 }, async () => {
    const random = new Random(Number(process.env.MOEPROF_FUZZ_SEED ?? 5), 'test/fuzz');
    const outcomes = { read: 0, refused: 0 };
    const slowest = { milliseconds: 0, run: 0, layout: '' };
    const before = process.memoryUsage().rss;
    let peak = before;
    for (let run = 0; run < RUNS; run++) {
      const bytes = mutate(corpus[run % corpus.length]!, random);
      const start = performance.now();
      try {
        outcomes[await read(bytes, random.below(2) === 0)]++;
      } catch (error) {
        throw new Error(
          `run ${run}, ${layouts[run % corpus.length]}: ${(error as Error).message}\n${Buffer.from(bytes).toString('base64').slice(0, 4000)}`,
        );
      }
      const milliseconds = performance.now() - start;
      if (milliseconds > slowest.milliseconds) Object.assign(slowest, { milliseconds, run, layout: layouts[run % corpus.length] });
      peak = Math.max(peak, process.memoryUsage().rss);
    }
    if (process.env.MOEPROF_FUZZ !== undefined) {
      const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
      console.log(
        `${RUNS} files: ${outcomes.read} read, ${outcomes.refused} refused; slowest ${slowest.milliseconds.toFixed(0)} ms (run ${slowest.run}, ` +
          `${slowest.layout}); memory ${mebibytes(before)} MiB before, ${mebibytes(peak)} MiB at most after a file, ` +
          `${mebibytes(process.resourceUsage().maxRSS * 1024)} MiB at the peak of the process`,
      );
    }
    // Most damage is noticed; some leaves another valid file.
    expect(outcomes.refused).toBeGreaterThan(RUNS / 3);
    expect(outcomes.read).toBeGreaterThan(RUNS / 50);
  });

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
  ])('%s is refused', async (_what, build) => {
    expect(await read(build(), false)).toBe('refused');
  });
});

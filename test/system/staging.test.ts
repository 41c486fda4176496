import { describe, expect, it } from 'vitest';
import { openInputs } from '../../src/engine/inputs/inputs.js';
import { planRun } from '../../src/engine/plan/run-plan.js';
import { checkRun } from '../../src/system/load-run.js';
import { parseStaging, stagingBufferBytes, stagingBuffers } from '../../src/system/staging.js';
import { toyModel } from '../cache/fixtures.js';

describe('parseStaging', () => {
  it('reads experts and layers', () => {
    const model = toyModel([16, 8]);
    expect(stagingBuffers(parseStaging('4'), model)).toBe(4);
    expect(stagingBuffers(parseStaging('3 experts'), model)).toBe(3);
    expect(stagingBuffers(parseStaging('1 layer'), model)).toBe(16);
    // There are no more experts.
    expect(stagingBuffers(parseStaging('2 layers'), model)).toBe(24);
  });

  it('refuses what is neither', () => {
    for (const text of ['', 'two', '4 GiB', '-1', '25%']) {
      expect(() => parseStaging(text)).toThrow(`"${text}" is no number of buffers; write e.g. 4, or 2 layers for all experts of two`);
    }
  });
});

describe('memory of buffers', () => {
  /** Bytes of cache and staging of a run on a machine that not all experts fit on. */
  async function rooms(predictor: string, staging: string | undefined, expertCache?: string) {
    const run = checkRun(
      {
        model: 'mini-finegrained-64x12l',
        trace: 'mini-finegrained-64x12l',
        hardware: 't4',
        system: { name: 'staging', predictor, prefetch: staging === undefined ? {} : { staging } },
        memory: expertCache === undefined ? {} : { expertCache },
        workload: { tokens: 8 },
      },
      'rooms',
      [
        { path: ['hardware', 'tiers', '0', 'size'], value: 20 * 2 ** 20, label: 'x' },
        { path: ['hardware', 'tiers', '0', 'reserve'], value: 0, label: 'x' },
      ],
    );
    const inputs = await openInputs(run);
    const { cacheBytes, stagingBytes } = (await planRun(inputs, run)).layout.total;
    return { cacheBytes, stagingBytes, oneBytes: stagingBufferBytes(inputs.model) };
  }

  it('comes from the cache where that has no size of its own, else beside it; without a predictor there are none', async () => {
    const plain = await rooms('transition', undefined);
    const four = await rooms('transition', '4');
    expect(four.stagingBytes - plain.stagingBytes).toBe(4 * plain.oneBytes);
    expect(plain.cacheBytes - four.cacheBytes).toBe(4 * plain.oneBytes);
    const sized = await rooms('transition', '4', '25%');
    expect(sized.stagingBytes).toBe(four.stagingBytes);
    expect(sized.cacheBytes).toBe((await rooms('transition', undefined, '25%')).cacheBytes);
    expect(await rooms('none', '4')).toEqual(await rooms('none', undefined));
  });
});

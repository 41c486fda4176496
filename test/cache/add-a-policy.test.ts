// The example of docs/extend.md, taken from the page itself, is a policy that works and does what the page says.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePolicy, resolvePolicy } from '../../src/cache/policies/index.js';
import { startJob } from '../../src/capacity/jobs.js';
import { Routing, SHAPES } from '../claims/conformance/routing.mjs';
import { temporaryFolder } from '../support/folder.js';
import { toyModel } from './fixtures.js';

const page = readFileSync(new URL('../../docs/extend.md', import.meta.url), 'utf8');
const source = /```js\n(.*?)```/s.exec(page)![1]!;
const folder = temporaryFolder();
writeFileSync(join(folder, 'second-use.mjs'), source);

describe('docs/extend.md', () => {
  const { layers, experts, topK, seed } = SHAPES.coarse;
  const model = toyModel(Array<number>(layers).fill(experts));
  const rows = new Uint16Array(300 * layers * topK);
  new Routing({ layers, experts, topK, seed }).fill(rows, 300);

  async function hits(policy: string, scope: 'global' | 'layer', sequential: boolean): Promise<number> {
    const capacities = [{ bytes: 96, quotas: null }];
    const job = await startJob({
      model,
      topK,
      policy: parsePolicy(policy),
      folder,
      capacities,
      scope,
      sequential,
      warmup: 0,
      seed: 1,
      popularity: null,
    });
    job.rows(rows, 300);
    return job.finish(() => undefined)[0]!.hits.reduce((sum, layer) => sum + layer, 0);
  }

  it('names, explains and limits its parameter', async () => {
    expect((await resolvePolicy(parsePolicy('./second-use.mjs:uses=3'), folder)).parameters).toEqual({ uses: 3 });
    await expect(resolvePolicy(parsePolicy('./second-use.mjs:uses=1'), folder)).rejects.toThrow('out of range');
  });

  it.each([
    ['global', true],
    ['layer', false],
  ] as const)('with a very large number of uses it is LRU (scope %s, sequential %s)', async (scope, sequential) => {
    expect(await hits('./second-use.mjs:uses=1000000', scope, sequential)).toBe(await hits('lru', scope, sequential));
  });

  it('with its default it is a policy of its own, below the bound', async () => {
    const own = await hits('./second-use.mjs', 'layer', false);
    expect(own).not.toBe(await hits('lru', 'layer', false));
    expect(own).toBeLessThan(await hits('belady', 'layer', false));
  });
});

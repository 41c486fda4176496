// Routing variants of the user's own: the example of docs/extend.md does what the page says, and each wrong row is told.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';
import { allocateChunk, type RoutingTrace } from '../../../src/trace/trace.js';
import { parseVariant, stackVariants } from '../../../src/trace/variants/index.js';
import { loadVariants } from '../../../src/trace/variants/user-variant.js';
import { toyModel } from '../../cache/fixtures.js';
import { traceFrom } from '../../predict/toy.js';
import { exampleOf, ownFolder, refusal, withoutTrials } from '../../support/own-parts.js';

const folder = ownFolder();
const example = exampleOf('noisy-last.mjs', folder);

const model = toyModel([8, 8]);
const recorded = traceFrom(model, 2, [
  Array.from({ length: 200 }, (_, i) => [
    [i % 7, 7],
    [0, 1 + (i % 7)],
  ]),
]);
const varied = async (text: string): Promise<RoutingTrace> =>
  stackVariants(recorded, await loadVariants([parseVariant(text)], folder), { model, seed: 3 });

function rowsOf(trace: RoutingTrace, from: number, to: number): number[] {
  const chunk = allocateChunk(trace, to - from);
  trace.read(from, to - from, chunk);
  return [...chunk.experts];
}

describe('docs/extend.md, a variant', () => {
  it('draws the last choice of a share of the places, the same in any order', async () => {
    const trace = await varied('./noisy-last.mjs:share=0.25');
    const before = rowsOf(recorded, 0, 200);
    const after = rowsOf(trace, 0, 200);
    const changed = after.filter((id, i) => id !== before[i]).length;
    // 400 places: 100 expected, three standard deviations are 26.
    expect(changed).toBeGreaterThan(74);
    expect(changed).toBeLessThan(126);
    expect(after.filter((id, i) => i % 2 === 0 && id !== before[i])).toEqual([]);
    expect(rowsOf(trace, 150, 160)).toEqual(after.slice(600, 640));
    expect(trace.meta.synthetic).toBe(true);
  });

  it('with a share of 0 changes nothing, and has a fingerprint that names the module', async () => {
    expect(rowsOf(await varied('./noisy-last.mjs:share=0'), 0, 200)).toEqual(rowsOf(recorded, 0, 200));
    const run = {
      model: 'mini-mixtral-8x8l',
      trace: 'mini-mixtral-8x8l',
      memory: { expertCache: '25%' },
      workload: { tokens: 50 },
      bounds: false,
    } as const;
    const [own, none] = [await simulate({ ...run, variants: `${example}:share=0` }), await simulate(run)];
    expect(own.metrics['cache.hit_rate']).toEqual(none.metrics['cache.hit_rate']);
    expect(own.fingerprint).not.toBe(none.fingerprint);
  });
});

describe('a wrong row is one line', () => {
  withoutTrials();
  it.each([
    [
      'an expert out of range',
      'into.experts.fill(8)',
      /rewrite of row 0, layer 0, wrote expert 8, the layer has 8; write 0 to 7, or context\.none/,
    ],
    ['one twice', 'into.experts.fill(3)', /wrote expert 3 twice; a token chooses an expert once/],
    ['a weight', 'into.experts.set(source.experts); into.weights.fill(-1)', /wrote -1 as a gate weight/],
    ['a throw', 'into.nothing()', /own\.mjs:1:\d+: rewrite threw TypeError/],
  ])('%s', async (what, body, message) => {
    const path = join(folder, `${what.replaceAll(' ', '-')}-own.mjs`);
    writeFileSync(path, `export default { name: 'own', change: () => ({ rewrite(source, into) { ${body}; } }) };`);
    const said = await refusal(async () => rowsOf(await varied(path), 0, 10));
    expect(said).toMatch(/^UserError: /);
    expect(said).toMatch(message);
  });
});

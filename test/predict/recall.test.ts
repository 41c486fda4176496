// Recall on recorded routing: the figures that docs/predictors.md gives, and that a change to a predictor must not lose. The traces are not
// part of the repository; where they lie beside it, these tests run.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { loadModel } from '../../src/model/load.js';
import type { ModelSpec } from '../../src/model/spec.js';
import { openTrace } from '../../src/trace/open.js';
import type { RoutingTrace } from '../../src/trace/trace.js';
import { predictorOf, recallOf, sliceOf, WHOLE_PATH } from './running.js';

const shared = fileURLToPath(new URL('../../../shared/', import.meta.url));
const there =
  existsSync(`${shared}traces/qwen3-30b-a3b.code.safetensors`) && existsSync(`${shared}own/mini-finegrained-64x12l.test.safetensors`);
if (!there) console.warn(`SKIPPED: the recorded traces are not in ${shared}; recall on real routing was not checked`);

const model = (name: string) => loadModel(name, null, process.cwd(), []);
const recall = async (spec: string, on: ModelSpec, train: RoutingTrace, test: RoutingTrace, distance: number, k: number) =>
  recallOf(await predictorOf(spec, on, train.topK, [train]), on, test, distance, k);

describe.skipIf(!there).each([
  ['code', { transition: 0.6, ensemble: 0.63 }],
  ['math', { transition: 0.61, ensemble: 0.64 }],
])('qwen3-30b-a3b, %s: trained on the first 6,000 tokens, tested on the last 2,000', (domain, least) => {
  it('one layer ahead, 8 experts of 128', { timeout: 120_000 }, async () => {
    const qwen = model('qwen3-30b-a3b');
    const trace = await openTrace(`${shared}traces/qwen3-30b-a3b.${domain}.safetensors`, { model: qwen });
    const train = sliceOf(trace, 0, 6000);
    const test = sliceOf(trace, 6000, 8000);
    expect(await recall('transition', qwen, train, test, 1, 8)).toBeGreaterThan(least.transition);
    expect(await recall('ensemble:parts=transition+history', qwen, train, test, 1, 8)).toBeGreaterThan(least.ensemble);
    trace.close();
  });
});

describe.skipIf(!there)('gpt-oss-20b, a random split by request', () => {
  it('transition, one layer ahead, 4 experts of 32', { timeout: 60_000 }, async () => {
    const gpt = model('gpt-oss-20b');
    const trace = await openTrace(`${shared}traces/gpt-oss-20b.decode.safetensors`, { model: gpt });
    const random = new Random(1, 'split');
    const shuffled = trace.requests.map((request) => ({ request, key: random.next() })).sort((a, b) => a.key - b.key);
    const take = (skip: number, tokens: number): RoutingTrace => {
      let seen = 0;
      const requests = shuffled
        .map(({ request }) => request)
        .filter(({ prefill, decode }) => {
          seen += prefill + decode;
          return seen > skip && seen <= skip + tokens;
        });
      return { ...sliceOf(trace, 0, trace.tokens), requests };
    };
    expect(await recall('transition', gpt, take(0, 30_000), take(30_000, 4000), 1, 4)).toBeGreaterThan(0.62);
    trace.close();
  });
});

describe.skipIf(!there)('mini-finegrained-64x12l, train to test', () => {
  it('6 experts of 64: token ids tell more than any history; transitions reach what the traces’ notes give', {
    timeout: 60_000,
  }, async () => {
    const mini = model('mini-finegrained-64x12l');
    const train = await openTrace(`${shared}own/mini-finegrained-64x12l.train.safetensors`, { model: mini });
    const test = sliceOf(await openTrace(`${shared}own/mini-finegrained-64x12l.test.safetensors`, { model: mini }), 0, 5000);
    expect(await recall('transition', mini, train, test, 1, 6)).toBeGreaterThan(0.406);
    const before = async (spec: string) => recall(spec, mini, train, test, WHOLE_PATH, 6);
    const popular = await before('popularity');
    const last = await before('last-token');
    const byToken = await before('token-table');
    expect(last).toBeGreaterThan(popular);
    expect(byToken).toBeGreaterThan(last + 0.2);
    expect(await before('ensemble:parts=history+markov+token-table')).toBeGreaterThan(byToken);
  });
});

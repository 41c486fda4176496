// Our own routers in full: the training part of their recordings, and their inputs and weights, are too large to be bundled.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadModel } from '../../../src/model/load/load.js';
import { auditTrace } from '../../../src/trace/audit/index.js';
import { openTrace } from '../../../src/trace/open/open.js';
import { predictorOf, recallOf, sliceOf, WHOLE_PATH } from '../../predict/running.js';
import { temporaryFolder } from '../../trace/builders.js';
import { OPTIONS, scores } from '../predict/trained.js';
import { recorded, recording } from './recording.js';

const name = (part: string) => `own/mini-finegrained-64x12l.${part}.safetensors`;
const PARTS = ['train', 'test', 'test.router_inputs', 'router_weights'].map(name);
const COARSE = ['train', 'test'].map((part) => `own/mini-mixtral-8x8l.${part}.safetensors`);
const [training, test, inputs, weights] = PARTS.map(recording) as [string, string, string, string];

recorded('our own routers', [...PARTS, ...COARSE], () => {
  const folder = temporaryFolder();
  const model = loadModel('mini-finegrained-64x12l', null, process.cwd(), []);

  it.each([...PARTS.slice(0, 2), ...COARSE])('%s is clean', async (file) => {
    const trace = await openTrace(recording(file));
    const findings = auditTrace(trace);
    trace.close();
    expect(findings).toEqual([]);
  });

  it('token ids tell more than any history; transitions reach what the traces’ notes give', { timeout: 60_000 }, async () => {
    const train = await openTrace(training, { model });
    const rows = sliceOf(await openTrace(test, { model }), 0, 5000);
    const recall = async (spec: string, distance = WHOLE_PATH) =>
      recallOf(await predictorOf(spec, model, train.topK, [train]), model, rows, distance, 6);
    expect(await recall('transition', 1)).toBeGreaterThan(0.406);
    const popular = await recall('popularity');
    const last = await recall('last-token');
    const byToken = await recall('token-table');
    expect(last).toBeGreaterThan(popular);
    expect(byToken).toBeGreaterThan(last + 0.2);
    expect(await recall('ensemble:parts=history+markov+token-table')).toBeGreaterThan(byToken);
  });

  it('with token ids a trained predictor is best of all, and names six of ten', { timeout: 240_000 }, async () => {
    const options = { ...OPTIONS, epochs: 2 };
    const [withIds, without, ...others] = await scores(
      { training: [training], judged: [`${test}#:4000`] },
      [options, { ...options, tokenIds: false }],
      ['popularity', 'token-table', 'last-token'],
    );
    for (const other of [without!, ...others]) expect(withIds!.k).toBeGreaterThan(other.k);
    expect(withIds!.k).toBeGreaterThan(0.6);
  });

  it('the next layer’s gate, asked one layer early, names 7 of 10 experts, far more than transitions do', { timeout: 60_000 }, async () => {
    const script = fileURLToPath(new URL('../../../scripts/next-layer-gate.mjs', import.meta.url));
    const out = join(folder, 'predicted.safetensors');
    execFileSync(process.execPath, [script, test, inputs, weights, out]);
    const predicted = await openTrace(out, { model });
    expect(predicted.has.predictedK).toBe(12);
    const half = sliceOf(predicted, 0, 800);
    const rest = sliceOf(predicted, 800, predicted.tokens);
    const recall = async (spec: string) => recallOf(await predictorOf(spec, model, predicted.topK, [half]), model, rest, 1, 6);
    const gate = await recall('supplied');
    expect(gate).toBeGreaterThan(0.7);
    expect(gate).toBeGreaterThan((await recall('transition')) + 0.25);
    predicted.close();
  });
});

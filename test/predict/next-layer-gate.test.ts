// The true next-layer gate of our own router, written into a `predicted` tensor by the script and judged through the `supplied` predictor.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../src/model/load.js';
import { openTrace } from '../../src/trace/open.js';
import { shared } from '../cache/fixtures.js';
import { temporaryFolder } from '../trace/builders.js';
import { predictorOf, recallOf, sliceOf } from './running.js';

const trace = shared('own/mini-finegrained-64x12l.test.safetensors');
const script = fileURLToPath(new URL('../../scripts/next-layer-gate.mjs', import.meta.url));

describe.skipIf(trace === null)('the next layer’s gate, asked one layer early', () => {
  const folder = temporaryFolder();

  it('names 7 of 10 experts, far more than transitions do', { timeout: 60_000 }, async () => {
    const inputs = shared('own/mini-finegrained-64x12l.test.router_inputs.safetensors')!;
    const weights = shared('own/mini-finegrained-64x12l.router_weights.safetensors')!;
    const out = join(folder, 'predicted.safetensors');
    execFileSync(process.execPath, [script, trace!, inputs, weights, out]);
    const model = loadModel('mini-finegrained-64x12l', null, process.cwd(), []);
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

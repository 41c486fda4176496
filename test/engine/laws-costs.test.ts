// Law L22: what a runtime takes is charged by default, and the runtime `ideal` takes nothing and is named in the result.
import { describe, expect, it, vi } from 'vitest';
import { listProfiles } from '../../src/base/profiles.js';
import { simulate } from '../../src/engine/simulate.js';
import { loadRuntime } from '../../src/hardware/runtime.js';
import { PREDICTORS } from '../../src/predict/predictors/index.js';
import type { Result } from '../../src/result/result.js';
import { loadHardware } from '../../src/runtime/machine.js';
import { SCHEDULERS } from '../../src/schedule/index.js';
import type { RunInput } from '../../src/system/run.js';
import { cases } from '../cases.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 60_000 });

const TOKENS = 24;
const MACHINE = 'rtx-4090';
/** These need a file of their own, drafts or token ids; their time is that of the table in docs/predictors.md (test/predict/cost.test.ts). */
const NEEDS_MORE = ['none', 'supplied', 'onnx', 'draft', 'token-table'];
/** Predictions made elsewhere, or that stand for one that is: the law's exception. */
const ELSEWHERE = ['oracle', 'pre-gated', 'whole-layer'];

function run(more: RunInput): Promise<Result> {
  const machine = { hardware: MACHINE, memory: { expertCache: '25%' }, bounds: false };
  return simulate({ model: 'mini-mixtral-8x8l', ...machine, workload: { tokens: TOKENS, prompt: 0, output: TOKENS }, ...more });
}

const time = ({ metrics }: Result): number => metrics['time.total']!.value;
/** Every layer has an event in every pass. */
const passesOf = ({ perLayer }: Result): number => perLayer.events[0]!;
/** What a runtime takes on the machine of these runs: its times go with the clock of the host. */
const chargedBy = (name: string) => loadHardware(MACHINE, undefined, [], loadRuntime(name)).gpu;

describe('L22 Costs', () => {
  it('L22 every runtime takes time for a pass, and for a layer or an expert; ideal for nothing', () => {
    for (const name of listProfiles('runtimes')) {
      const { expert, handover, layer, pass, prediction } = loadRuntime(name);
      if (name === 'ideal') expect([pass, layer, expert, handover, prediction]).toEqual([0, 0, 0, 0, 0]);
      else {
        expect([pass > 0, handover > 0, prediction > 0], name).toEqual([true, true, true]);
        // A data flow has no kernels that software launches, and no layers that it goes through.
        expect(layer > 0 && expert > 0, name).toBe(name !== 'dataflow');
      }
    }
  });

  it('L22 framework and cache bookkeeping: a pass, its layers and its experts take what the runtime says, and nothing under ideal', async () => {
    const [usual, ideal] = [await run({}), await run({ runtime: 'ideal' })];
    expect([usual.inputs.runtime, ideal.inputs.runtime]).toEqual(['llama.cpp', 'ideal']);
    expect(time(ideal)).toBeLessThan(time(usual));
    for (const name of ['llama.cpp', 'hf-eager', 'vllm']) {
      const { launchNs, perLayerNs, perPassNs } = chargedBy(name);
      const result = await run({ runtime: name });
      const { metrics, perLayer } = result;
      const events = perLayer.events.reduce((sum, count) => sum + count, 0);
      expect(metrics['time.compute']!.value, name).toBeGreaterThanOrEqual(metrics['experts.demanded']!.value * launchNs);
      expect(metrics['time.dense']!.value, name).toBeGreaterThanOrEqual(passesOf(result) * perPassNs + events * perLayerNs);
    }
    expect(chargedBy('ideal')).toMatchObject({ launchNs: 0, perLayerNs: 0, perPassNs: 0 });
  });

  it.each(PREDICTORS.map(({ name }) => name).filter((name) => !NEEDS_MORE.includes(name)))(
    'L22 predictor %s: takes time by default unless it stands for one that runs elsewhere, and nothing under ideal',
    async (kind) => {
      const system = { name: 'test', predictor: { kind } };
      const [usual, ideal] = [await run({ system }), await run({ system, runtime: 'ideal' })];
      expect(usual.metrics['predict.time']!.value > 0).toBe(!ELSEWHERE.includes(kind));
      expect(ideal.metrics['predict.time']!.value).toBe(0);
    },
  );

  it('L22 schedulers: composing a pass is among what the runtime takes for one, whoever composes it', async () => {
    const names = SCHEDULERS.map(({ name }) => name).filter((_, i) => i % Math.ceil(SCHEDULERS.length / cases(SCHEDULERS.length, 3)) === 0);
    for (const name of names) {
      const result = await run({ system: { name: 'test', scheduler: name }, workload: { tokens: TOKENS, batch: 4 } });
      expect(result.metrics['time.dense']!.value, name).toBeGreaterThanOrEqual(passesOf(result) * chargedBy('llama.cpp').perPassNs);
    }
  });
});

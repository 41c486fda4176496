// The closed loop of `moeprof advise --users` against `moeprof run`: the same placement and requests, in 30 settings. Users of a run begin at once and
// stay in step; the mean time to the first token of a run has the burst of its beginning, too.
import { expect, it } from 'vitest';
import { basisOf, withQuestion } from '../../../src/advise/ask.js';
import { machineNamed } from '../../../src/advise/door.js';
import { bestSetting } from '../../../src/advise/search.js';
import { simulate } from '../../../src/engine/simulate.js';
import { closedLoop, isAllOnGpu } from '../../../src/runtime/door.js';

/** Requests of each user in a run: the first and the last, when fewer users are at work, are a small part. */
const ROUNDS = 16;

const MACHINES = [
  ['granite-3.0-1b-a400m', 'rtx-3060+64GB', 'llama.cpp', 'q4_k_m'],
  ['gpt-oss-20b', 'rtx-4090+64GB', 'llama.cpp', 'mxfp4'],
  ['qwen3-30b-a3b', 'rtx-5090+64GB', 'vllm', 'int4'],
  ['qwen3-30b-a3b', 'rtx-3060+64GB', 'llama.cpp', 'q4_k_m'],
  ['gpt-oss-20b', 'radeon-8060s+128GB', 'llama.cpp-vulkan', 'mxfp4'],
] as const;
const SHAPES = [
  [2, 1024, 256],
  [2, 2048, 128],
  [4, 512, 128],
  [4, 1024, 64],
  [8, 1024, 96],
  [16, 1024, 64],
] as const;

/** Throughput of the closed loop, of what a run with the same placement has. */
async function ofRun([model, machine, runtime, quantization]: (typeof MACHINES)[number], [users, prompt, output]: (typeof SHAPES)[number]) {
  const wishes = { users, prompt, answer: output, context: 4096, runtime, quantizations: [quantization], slots: 0, drafts: '0' };
  const { loop, setting } = await withQuestion(model, await basisOf(machineNamed(machine), wishes), wishes, async (question) => {
    const best = (await bestSetting(question, quantization, question.runtime.kv[0]!))!;
    return { loop: closedLoop(best.price, best.setting, { prompt, output }), setting: best.setting };
  });
  const layers = `static:by=layer,cpuLayers=${setting.cpuMoe}`;
  const placed = isAllOnGpu(setting)
    ? { system: 'all-resident' }
    : { system: { name: 'fixed', cache: { policy: layers, scope: 'global' }, onMiss: 'cpu' }, memory: { expertCache: '100%' } };
  const { metrics } = await simulate({
    ...{ model, hardware: machine, runtime, quantization, bounds: false, audit: 'off', ...placed },
    workload: { batch: users, prompt, output, tokens: users * ROUNDS * (prompt + output), maxTokensPerPass: setting.ubatch },
  });
  return loop.throughput / metrics['throughput.generated']!.value;
}

it('30 of 30 settings are within 5 % of a run', async () => {
  const apart: number[] = [];
  for (const machine of MACHINES) for (const shape of SHAPES) apart.push(Math.abs((await ofRun(machine, shape)) - 1));
  expect(apart).toHaveLength(30);
  expect(Math.max(...apart)).toBeLessThan(0.05);
});

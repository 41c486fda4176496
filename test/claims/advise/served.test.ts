// The closed loop of `moeprof advise --users` against `moeprof run`: the same placement, requests of the same mean length, in 30 settings.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { basisOf, withQuestion } from '../../../src/advise/ask.js';
import { machineNamed } from '../../../src/advise/door.js';
import { bestSetting } from '../../../src/advise/search.js';
import { Random } from '../../../src/base/random.js';
import { simulate } from '../../../src/engine/simulate.js';
import { closedLoop, isAllOnGpu } from '../../../src/runtime/door.js';

/** Requests of each user in a run: the first and the last, when fewer users are at work, are a small part. */
const ROUNDS = 16;

const folder = mkdtempSync(join(tmpdir(), 'moeprof-served-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Arrivals of all requests at once; answers of half to one and a half of `output`, so that users fall out of step. */
function arrivals(users: number, prompt: number, output: number): string {
  const random = new Random(1, 'served');
  const lines = Array.from({ length: users * ROUNDS }, () => `0,${prompt},${Math.round(output * (0.5 + random.next()))}`);
  const path = join(folder, `${users}-${prompt}-${output}.csv`);
  writeFileSync(path, `arrival,prompt,output\n${lines.join('\n')}\n`);
  return path;
}

const MACHINES = [
  ['granite-3.0-1b-a400m', 'rtx-3060+64GB', 'llama.cpp', 'q4_k_m'],
  ['gpt-oss-20b', 'rtx-4090+64GB', 'llama.cpp', 'mxfp4'],
  ['qwen3-30b-a3b', 'rtx-5090+64GB', 'vllm', 'int4'],
  ['qwen3-30b-a3b', 'rtx-3060+64GB', 'llama.cpp', 'q4_k_m'],
  ['gpt-oss-20b', 'radeon-8060s+128GB', 'llama.cpp-vulkan', 'mxfp4'],
] as const;
const SHAPES = [
  [2, 256, 64],
  [2, 2048, 128],
  [4, 512, 128],
  [4, 1024, 64],
  [8, 1024, 96],
  [16, 512, 64],
] as const;

describe.each(MACHINES)('%s on %s, %s', (model, machine, runtime, quantization) => {
  it.each(SHAPES)('with %i users, prompts of %i and answers of %i tokens: within 5 % of a run', async (users, prompt, output) => {
    const wishes = { users, prompt, answer: output, runtime, quantizations: [quantization], slots: 0, drafts: '0' };
    const found = await withQuestion(model, await basisOf(machineNamed(machine), wishes), wishes, async (question) => {
      const best = (await bestSetting(question, quantization, question.runtime.kv[0]!))!;
      return { loop: closedLoop(best.price, best.setting, { prompt, output }), setting: best.setting };
    });
    const { loop, setting } = found;
    const layers = `static:by=layer,cpuLayers=${setting.cpuMoe}`;
    const placed = isAllOnGpu(setting)
      ? { system: 'all-resident' }
      : {
          system: { name: 'fixed', cache: { policy: layers, scope: 'global' }, onMiss: 'cpu' },
          memory: { expertCache: '100%', kv: '4GiB' },
        };
    const { metrics } = await simulate({
      ...{ model, hardware: machine, runtime, quantization, bounds: false, audit: 'off', ...placed },
      workload: { batch: users, arrivals: arrivals(users, prompt, output), maxTokensPerPass: setting.ubatch },
    });
    expect(Math.abs(loop.throughput / metrics['throughput.generated']!.value - 1)).toBeLessThan(0.05);
    expect(Math.abs(loop.tpot / metrics['latency.tpot.mean']!.value - 1)).toBeLessThan(0.05);
  });
});

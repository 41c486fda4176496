// fastllm by hand: its flags, which experts are on the GPU, and what its benchmark prints.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { commandOf } from '../../../src/advise/command.js';
import type { Priced } from '../../../src/advise/price.js';
import type { Question } from '../../../src/advise/question.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { loadModel } from '../../../src/model/load/load.js';
import type { ModelSpec } from '../../../src/model/spec.js';
import { advisedRuntime } from '../../../src/runtime/index.js';
import { loadHardware } from '../../../src/runtime/machine.js';
import { timingsOf } from '../../../src/runtime/timings.js';
import { plainSetting } from '../setting/plain.js';

const runtime = advisedRuntime('fastllm');
const deepseek = loadModel('deepseek-v2-lite');

function lineOf(machine: string, model: ModelSpec, cpuMoe: number): string {
  const hardware = loadHardware(machine, undefined, [], loadRuntime('fastllm'));
  const setting = { ...plainSetting({ ubatch: 4096, context: 4096 }), users: 2, cpuMoe, fromDisk: false };
  const question = { file: 'folder', hardware, hub: null, runtime, shell: undefined } as unknown as Question;
  const priced = { ...runtime.memory(model, setting, hardware), model, setting } as unknown as Priced;
  return commandOf(question, priced)
    .steps[0]!.lines.map((line) => line.replace(/ \\$/, '').trim())
    .join(' ');
}

// 27 blocks, the first without experts.
it.each([
  ['rtx-3090+ryzen-9-7950x+64GB', 0, '--device cuda --moe_device cuda'],
  ['rtx-3090+ryzen-9-7950x+64GB', 26, '--device cuda --moe_device numa'],
  ['rtx-3090+ryzen-9-7950x+64GB', 20, '--device cuda --moe_device numa --moe_device_layers 20'],
  ['2xrtx-3090+ryzen-9-7950x+64GB', 3, '--device multicuda:0,1 --moe_device numa --moe_device_layers 3'],
  ['ryzen-9-7950x+64GB', 0, '--device numa --moe_device numa'],
])('on %s, experts of %d layers in host memory: %s', (machine, cpuMoe, devices) => {
  expect(lineOf(machine, deepseek, cpuMoe)).toBe(
    `ftllm server folder ${devices} --max_context_length 4096 --tokens 8192 --max_batch 2 --chunked_prefill_size 4096`,
  );
});

it('counts blocks from the last on, those without experts as well, and keeps the experts of the first on the GPU', () => {
  const nano = loadModel('nemotron-3-nano-30b-a3b');
  const hardware = loadHardware('rtx-3090+ryzen-9-7950x+64GB', undefined, [], loadRuntime('fastllm'));
  const [first, ...rest] = deepseek.layers;
  const heavy = { ...deepseek, layers: [{ ...first!, expertBytes: 10 * first!.expertBytes }, ...rest] };
  const gpu = (model: ModelSpec, cpuMoe: number): number =>
    runtime.memory(model, { ...plainSetting({}), cpuMoe }, hardware).devices[0]!.weights;
  expect(gpu(heavy, 25) - deepseek.dense.weightBytes).toBe(10 * first!.experts * first!.expertBytes);
  expect(gpu(deepseek, 25) - gpu(deepseek, 26)).toBe(first!.experts * first!.expertBytes);
  // Its 52 blocks end in E of MEMEME: the third last with experts is the fifth last.
  const tail = Number(/--moe_device_layers (\d+)/.exec(lineOf('rtx-3090+ryzen-9-7950x+64GB', nano, 3))![1]);
  expect(tail).toBe(5);
});

const LOG = readFileSync(new URL('../../fixtures/timings/ftllm-bench.log', import.meta.url), 'utf8');

it('is read from what ftllm bench prints', () => {
  const timing = { place: 'log:2', engine: 'fastllm', users: 1, promptTokens: 512, depth: 512, generatedTokens: 128 };
  expect(timingsOf(LOG, 'log')).toEqual([{ ...timing, decode: 25.4, prefill: 256 }]);
  // Several requests have no speed of a prompt.
  const several = LOG.replace(/^ {2}Prefill.*\n/m, '').replace('Batch                          1', 'Batch                          4');
  expect(timingsOf(several, 'log')).toEqual([{ ...timing, users: 4, decode: 25.4 }]);
  expect(() => timingsOf(LOG.replace('25.40', 'fast'), 'log')).toThrow(/Batch decode after TTFT: "fast" is no speed/);
});

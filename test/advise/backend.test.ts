// Advice on a runtime as it drives some GPUs: a name with the backend is a runtime, too; without one the fastest of the card's is taken, and the
// others stand beside it.
import { expect, it } from 'vitest';
import { adviceFor } from '../../src/advise/answer.js';
import { loadRuntime } from '../../src/hardware/runtime.js';
import { advisedRuntime, backendsOn } from '../../src/runtime/index.js';
import { loadHardware } from '../../src/runtime/machine.js';

const WISHES = { quantizations: ['q6_k'], prompt: 512, context: 4096 };
const HALO = 'ryzen-ai-max-395+128GB';

it('is given for a backend by its name, with its own speeds', async () => {
  const [rocm, vulkan, usual] = await Promise.all(
    ['llama.cpp-rocm', 'llama.cpp-vulkan', 'llama.cpp'].map((runtime) => adviceFor('qwen3-30b-a3b', HALO, { ...WISHES, runtime })),
  );
  expect(vulkan).toMatchObject({ runtime: 'llama.cpp-vulkan', kept: true });
  expect(vulkan!.command!.steps.at(-1)!.lines[0]).toMatch(/^llama-server -hf /);
  // Published for this chip: 73.7 tok/s.
  expect(Math.abs(vulkan!.answer!.decode / 73.7 - 1)).toBeLessThan(0.2);
  const [fast, slow] = vulkan!.answer!.decode > rocm!.answer!.decode ? [vulkan!, rocm!] : [rocm!, vulkan!];
  expect(usual).toMatchObject({ runtime: fast.runtime, answer: { decode: fast.answer!.decode } });
  expect(
    usual!.backends.filter((text) => text.startsWith(`${fast.runtime} is the fastest backend`) && text.includes(`${slow.runtime} gives`)),
  ).toHaveLength(1);
  expect(rocm!.backends).toEqual([]);
  expect(() => advisedRuntime('llama.cpp-vulcan')).toThrow('did you mean "llama.cpp-vulkan"');
});

it('names Metal, and MLX beside it in its own format', async () => {
  const advice = await adviceFor('olmoe-1b-7b', 'apple-m4-max+128GB', { prompt: 512, context: 4096 });
  expect(advice.runtime).toBe('llama.cpp-metal');
  expect(advice.backends.filter((text) => /^mlx drives this GPU, too: .* in bf16 \(--runtime mlx\)\.$/.test(text))).toHaveLength(1);
});

it('has the backends of a vendor, its usual one first, and none where there is one for all', () => {
  const of = (vendor: Parameters<typeof backendsOn>[1], runtime = 'llama.cpp'): string[] =>
    backendsOn(advisedRuntime(runtime), vendor).map(({ name }) => name);
  expect(of('amd')).toEqual(['llama.cpp-rocm', 'llama.cpp-vulkan']);
  expect([of('apple'), of('intel'), of('nvidia'), of(undefined)]).toEqual([['llama.cpp-metal'], ['llama.cpp-vulkan'], [], []]);
  expect(of('amd', 'vllm')).toEqual([]);
});

it.each([
  ['llama.cpp-rocm', 'rtx-3090', 'rtx-3090; take llama.cpp or llama.cpp-vulkan or freetoken'],
  ['llama.cpp-metal', HALO, 'radeon-8060s; take llama.cpp-rocm or llama.cpp-vulkan or freetoken'],
  ['mlx', 'arc-b580', 'arc-b580; take llama.cpp-vulkan or vllm or sglang'],
  ['llama.cpp-vulkan', 'apple-m4-max', 'm4-max-gpu-40; take llama.cpp-metal or mlx'],
  ['ik_llama.cpp', HALO, 'radeon-8060s; take llama.cpp-rocm or llama.cpp-vulkan or freetoken'],
  ['exllamav3', 'apple-m4-max', 'm4-max-gpu-40; take llama.cpp-metal or mlx'],
  ['llama.cpp-vulkan', 'epyc-9355', 'a machine without a GPU; take llama.cpp or vllm or sglang'],
])('%s is refused on %s, in one line with those that drive it', (runtime, machine, instead) => {
  expect(() => loadHardware(machine, undefined, [], loadRuntime(runtime))).toThrow(`${runtime}: does not drive ${instead}`);
});

it.each([
  ['llama.cpp-vulkan', 'rtx-3090'],
  ['llama.cpp-rocm', 'rx-7900-xtx'],
  ['mlx', 'apple-m2-ultra'],
  ['ik_llama.cpp', 'epyc-9355'],
  ['sglang-kt', 'rtx-3090'],
  ['llama.cpp', 'rx-7900-xtx'],
])('%s drives %s', (runtime, machine) => {
  expect(loadHardware(machine, undefined, [], loadRuntime(runtime)).software!.runtime).toBe(runtime);
});

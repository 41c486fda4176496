// Advice on a runtime as it drives some GPUs: a name with the backend is a runtime, too.
import { expect, it } from 'vitest';
import { adviceFor } from '../../src/advise/ask.js';
import { advisedRuntime } from '../../src/runtime/index.js';

it('is given for a backend by its name, with its own speeds', async () => {
  const wishes = { quantizations: ['q6_k'], prompt: 512, context: 4096 };
  const [rocm, vulkan] = await Promise.all(
    ['llama.cpp', 'llama.cpp-vulkan'].map((runtime) => adviceFor('qwen3-30b-a3b', 'ryzen-ai-max-395+128GB', { ...wishes, runtime })),
  );
  expect(vulkan).toMatchObject({ runtime: 'llama.cpp-vulkan', kept: true });
  expect(vulkan!.command!.steps.at(-1)!.lines[0]).toMatch(/^llama-server -hf /);
  // Published for this chip: 73.7 tok/s.
  expect(vulkan!.answer!.decode).toBeGreaterThan(1.1 * rocm!.answer!.decode);
  expect(Math.abs(vulkan!.answer!.decode / 73.7 - 1)).toBeLessThan(0.2);
  expect(() => advisedRuntime('llama.cpp-vulcan')).toThrow('did you mean "llama.cpp-vulkan"');
});

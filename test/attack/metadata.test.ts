// What a trace says of itself is a name and a text: it chooses no file, drives no terminal, and forms no second line.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../src/engine/simulate.js';
import { loadModel } from '../../src/model/load/load.js';
import { openTrace } from '../../src/trace/open/open.js';
import { recordedModel } from '../../src/trace/recorded-model.js';
import { fileOf, safetensorsBytes, temporaryFolder } from '../trace/builders.js';

const folder = temporaryFolder();
const pipe = join(folder, 'pipe');
execFileSync('mkfifo', [pipe]);

/** A trace of 64 tokens that names a model, with the sizes of OLMoE unless told others. */
function traceOf(model: string, layers = 16, experts = 64, topK = 8): string {
  const data = Uint8Array.from({ length: 64 * layers * topK }, (_, i) => (i % topK) + topK * (Math.floor(i / topK) % (experts / topK)));
  return fileOf(
    folder,
    'named.safetensors',
    safetensorsBytes(
      { experts: { dtype: 'U8', shape: [64, layers, topK], data } },
      { format: 'moeprof.trace/1', num_experts: String(experts), model },
    ),
  );
}

const HOSTILE = [
  '/etc/passwd',
  '/dev/zero',
  pipe,
  '../../etc/passwd',
  './evil.yaml',
  'no-such-model',
  '\u001b[31mRED\u001b]0;pwned\u0007\n::error::x',
  '',
];

describe('a trace that names as its model', () => {
  it.each(HOSTILE)('%j is refused where no bundled model has its sizes: nothing of that name is opened', async (name) => {
    const running = simulate({ trace: traceOf(name, 8, 24, 3) });
    await expect(running).rejects.toThrow(
      /names the model "[ -~]*", which is not bundled, and no bundled one has its sizes; name the model/,
    );
    await expect(running).rejects.toThrow(/^[ -~]{1,500}$/);
  });

  it.each(HOSTILE)('%j is taken for the bundled one of its sizes, and the result says so', async (name) => {
    const { inputs, warnings } = await simulate({ trace: traceOf(name), bounds: false });
    expect(inputs.model).toBe('olmoe-1b-7b');
    const [said] = warnings.filter(({ code }) => code === 'model-by-sizes');
    expect(said!.message).toMatch(
      /names the model "[ -~]*", which is not bundled; taking the nearest bundled model by its sizes, olmoe-1b-7b/,
    );
    expect(said!.message).not.toMatch(/[\p{C}]/u);
  });

  it('a file of a phone is taken for the bundled one that chooses more experts, where it recorded fewer', async () => {
    const trace = await openTrace(traceOf('OLMoE-1B-7B-Q4_K_M.gguf', 16, 64, 2));
    expect(recordedModel(trace)).toEqual({
      name: 'olmoe-1b-7b',
      note: expect.stringMatching(
        /names the model "OLMoE-1B-7B-Q4_K_M\.gguf", which is not bundled; taking the nearest bundled model by its sizes, olmoe-1b-7b, of whose 8 choices per token it has 2 \(/,
      ),
    });
    trace.close();
  });

  it('a bundled one is taken without a word', async () => {
    const { warnings } = await simulate({ trace: traceOf('olmoe-1b-7b'), bounds: false });
    expect(warnings.map(({ code }) => code)).not.toContain('model-by-sizes');
  });

  it('the path of a hub is taken for the bundled one that it means', async () => {
    const trace = await openTrace(traceOf('Qwen/Qwen3-30B-A3B', loadModel('qwen3-30b-a3b').layers.length, 128, 8));
    const { name, note } = recordedModel(trace);
    trace.close();
    expect([name, note]).toEqual(['qwen3-30b-a3b', expect.stringContaining('names the model "Qwen/Qwen3-30B-A3B", which is not bundled')]);
  });
});

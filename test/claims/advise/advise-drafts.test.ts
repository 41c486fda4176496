// Drafts by a model's own layer against published runs: GLM-4.5-Air on four RTX 3090 under llama.cpp (ggml-org/llama.cpp pull 26534).
import { describe, expect, it } from 'vitest';
import { USUAL_DRAFTING } from '../../../src/advise/drafting.js';
import { highestFit } from '../../../src/advise/fit.js';
import { Pricer, tokensNeeded } from '../../../src/advise/price.js';
import { priced } from '../../../src/advise/search.js';
import { loadModel } from '../../../src/model/load/load.js';
import { advisedRuntime } from '../../../src/runtime/index.js';
import { loadHardware } from '../../../src/runtime/machine.js';
import { synthesize } from '../../../src/trace/generate/synthetic.js';

const REQUEST = { prompt: 2048, output: 512 };

/** Decode speed with drafts of some lengths over that without, layers placed as they fit. */
async function gains(name: string, machine: string, drafts: readonly number[]): Promise<number[]> {
  const model = loadModel(name, 'q4_k_m');
  const trace = synthesize(model, { seed: 1, requests: [{ prefill: tokensNeeded(1, REQUEST), decode: 0 }] });
  const common = { runtime: advisedRuntime('llama.cpp'), hardware: loadHardware(machine), goal: { kind: 'decode' as const } };
  const rest = { quantizations: [null], trace, file: null, hub: null, drafting: USUAL_DRAFTING, notes: [] };
  const question = {
    ...common,
    ...rest,
    request: REQUEST,
    context: 8192,
    users: 1,
    pricer: new Pricer(trace, REQUEST),
    model: () => model,
  };
  const speed = async (draft: number): Promise<number> => {
    const setting = highestFit(question, model, {
      quantization: null,
      ubatch: 512,
      kv: 'f16',
      context: 8192,
      users: 1,
      followsPrompts: false,
      oneSocket: false,
      cache: null,
      drafter: 'mtp',
      draft,
    })!;
    return (await priced(question, model, setting)).price.decode;
  };
  const without = await speed(0);
  return Promise.all(drafts.map(async (draft) => (await speed(draft)) / without));
}

describe('drafts of a model itself', () => {
  // Published: 1.17 to 1.20. Each row of a pass reads the experts again since batches were fitted, which takes .05 of it.
  it('gain a tenth where all is on GPUs with one token, no more with three', async () => {
    const [one, , three] = await gains('glm-4.5-air', '4xrtx-3090+ryzen-9-7950x+2xddr5-6000+128GB', [1, 2, 3]);
    expect(one).toBeGreaterThan(1.09);
    expect(one).toBeLessThan(1.26);
    expect(three).toBeLessThan(one!);
  });

  it('gain next to nothing where experts are in host memory: 1.07 with 30 layers there', async () => {
    const [one] = await gains('glm-4.5', '4xrtx-3090+ryzen-9-7950x+2xddr5-6000+256GB', [1]);
    expect(one).toBeGreaterThan(0.93);
    expect(one).toBeLessThan(1.1);
  });
});

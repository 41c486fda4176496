// Runs under a scheduler: a pool of requests of equal length on Switch-like routing.
import { simulateRun } from '../../src/engine/simulate.js';
import type { Result } from '../../src/result/result.js';
import { checkRun, type RunInput } from '../../src/system/run.js';

/** Decode only: `pools` times as many requests as a batch holds, of `output` tokens each; of their choices a share `words` follows ids. */
export async function serve(
  scheduler: string,
  model: string,
  { batch = 16, cache = '4/layer', policy = 'lru', seed = 1, words = 0, pools = 4, output = 32 } = {},
): Promise<Result> {
  const run: RunInput = {
    model,
    hardware: 'rtx-4090',
    system: { name: 'test', cache: { policy, scope: 'layer' }, scheduler },
    memory: { expertCache: cache },
    workload: { batch, tokens: pools * batch * output, prompt: 0, output },
    bounds: false,
    seed,
  };
  const vocabulary = { path: ['model', 'routing', 'vocabulary'], value: { size: 32_128, zipf: 1, share: words }, label: '--set' };
  return simulateRun(checkRun(run, 'test', words === 0 ? [] : [vocabulary]));
}

/** Value of a metric that the result must have. */
export const of = (result: Result, name: string): number => result.metrics[name]!.value;

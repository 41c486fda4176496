// Runs under a scheduler: a pool of requests of equal length on Switch-like routing.
import { simulateRun } from '../../src/engine/simulate.js';
import type { Result } from '../../src/result/result.js';
import { checkRun } from '../../src/system/load-run.js';
import type { RunInput } from '../../src/system/run.js';

/** Skew of Switch-like routing that is as local as that of decoder-only models: what grouping finds, it finds there. */
const SKEW: Readonly<Record<string, number>> = { 'switch-base-32': 0.4, 'switch-base-64': 0.52, 'switch-base-128': 0.64 };

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
  const skew = SKEW[model];
  const local = skew === undefined ? {} : { skew, skewSpread: 0.08, reuse: { first: 0.02, middle: 0.28, last: 0.14 } };
  const routing = { ...local, ...(words === 0 ? {} : { vocabulary: { size: 32_128, zipf: 1, share: words } }) };
  return simulateRun(checkRun(run, 'test', [{ path: ['model', 'routing'], value: routing, label: '--set' }]));
}

/** Value of a metric that the result must have. */
export const of = (result: Result, name: string): number => result.metrics[name]!.value;

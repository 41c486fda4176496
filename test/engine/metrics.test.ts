// A few runs that use every mechanism have, together, every metric of the catalogue: none is listed that no run gives.
import { expect, it } from 'vitest';
import { simulate } from '../../src/engine/simulate.js';
import { METRICS } from '../../src/result/catalogue.js';
import type { RunInput } from '../../src/system/run.js';

const small: RunInput = {
  model: 'mini-finegrained-64x12l',
  hardware: 'rtx-4090',
  memory: { expertCache: '25%' },
  workload: { tokens: 60, prompt: 10, output: 10, batch: 2 },
};

const RUNS: Readonly<Record<string, RunInput>> = {
  'three tiers': { ...small, memory: { expertCache: '25%', dramCache: '50%' }, system: 'mixtral-offloading' },
  'several GPUs': { ...small, hardware: '2x-rtx-4090', system: 'mixtral-offloading' },
  'GPUs that gather a layer': { ...small, hardware: '2x-rtx-4090', system: 'tutel', memory: {} },
  'serving with faults, prefetch as far as needed, fewer experts': {
    ...small,
    system: { name: 'test', scheduler: 'expertflow', predictor: { kind: 'transition', horizon: 'auto' }, prefetch: { budget: 'pays' } },
    workload: { arrivals: 'poisson:rate=50', requests: 6, prompt: 20, output: 8, batch: 2, slo: 'ttft=1s' },
    faults: [{ at: '20ms', link: 'h2d', bandwidth: '50%' }],
    variants: 'top-k=2',
  },
  'drafts that are verified': {
    ...small,
    workload: { ...small.workload, speculation: { draft: 3, acceptance: 0.6, drafter: '100us' } },
  },
  'growing KV caches': { ...small, memory: { kv: '4MiB', kvGrowth: 'grow' }, workload: { ...small.workload, batch: 4 } },
  'cache-aware routing, copies and skips': {
    ...small,
    model: 'qwen3-30b-a3b',
    workload: { tokens: 20 },
    system: {
      name: 'test',
      rerank: { lambda: 1 },
      onMiss: [{ do: 'skip', when: { gate: '>0.8' } }, { do: 'low-precision', when: { gate: '>0.5' } }, 'load'],
    },
  },
  'copies that stay': {
    ...small,
    system: { name: 'test', cache: { copies: { share: 0.2 } }, onMiss: [{ do: 'low-precision', when: { gate: '>0.4' } }, 'load'] },
  },
  'other experts that stand in, and promotions': {
    ...small,
    hardware: 'rtx-3060+ryzen-9-7950x+2xddr5-6000+64GB',
    system: { name: 'test', onMiss: ['substitute', { do: 'cpu', admit: 'background', defer: 1 }] },
  },
  'layers on the CPU': { ...small, system: 'llama.cpp-static', memory: { gpuLayers: 4 } },
  'models that are switched': { model: 'coe-150x7b', hardware: 'sn40l', workload: { tokens: 40, prompt: 4, output: 4 } },
};

it('every metric of the catalogue is given by a run, but for the time that moeprof itself takes', async () => {
  const given = new Set<string>();
  for (const run of Object.values(RUNS)) for (const name of Object.keys((await simulate(run)).metrics)) given.add(name);
  expect([...METRICS.keys()].filter((name) => !given.has(name))).toEqual(['wall.run']);
});

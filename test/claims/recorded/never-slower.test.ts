// A prefetch never costs: the shipped expertflow with its own predictor is not slower than the same without prefetching by more than half a
// percent, and not slower than LRU on the same passes. Three machines, batches of 1, 4 and 16, recorded routing and random; few tokens each, so
// that it begins with nothing learned. The copies are those of a fast engine: the system's own, PyTorch, hides them all.
import { describe, expect, it } from 'vitest';
import { simulateRun } from '../../../src/engine/simulate.js';
import type { Result } from '../../../src/result/result.js';
import { checkRun } from '../../../src/system/load-run.js';
import type { RunInput } from '../../../src/system/run.js';
import { cases } from '../../cases.js';
import { recorded, recording } from './recording.js';

const BATCHES = [1, 4, 16] as const;
/** Each machine at each batch; the first three have every machine and every batch once, and are tried unless all are wanted (MOEPROF_CASES=1). */
const PAIRS = [
  ...([
    ['t4', 16],
    ['rtx-4090', 1],
    ['h100', 4],
  ] as const),
  ...([
    ['t4', 1],
    ['t4', 4],
    ['rtx-4090', 4],
    ['rtx-4090', 16],
    ['h100', 1],
    ['h100', 16],
  ] as const),
];
/** By batch: tokens to replay, so that large batches have some passes as well. The bundled traces are cheaper, and begin with prompts. */
const TOKENS = { 1: 120, 4: 160, 16: 320 } as const;
const BUNDLED = { 1: 400, 4: 800, 16: 800 } as const;
/** @param prefetch false: predictions rank the cache, and nothing is brought before its demand, as no score is worth that */
async function metricsOf(input: RunInput, prefetch: boolean): Promise<Result['metrics']> {
  const none = [{ path: ['system', 'prefetch', 'minProbability'], value: 1, label: '--set' }];
  const run = { ...input, system: 'expertflow', runtime: 'llama.cpp', memory: { expertCache: '25%' }, bounds: prefetch };
  return (await simulateRun(checkRun(run, 'test', prefetch ? [] : none))).metrics;
}

async function holds(run: RunInput): Promise<void> {
  const [without, metrics] = [await metricsOf(run, false), await metricsOf(run, true)];
  const tpot = metrics['latency.tpot.mean']!.value;
  expect(tpot / without['latency.tpot.mean']!.value, 'beside no prefetch').toBeLessThan(1.005);
  expect(tpot / metrics['bound.lru.tpot']!.value, 'beside LRU').toBeLessThan(1.01);
  expect(tpot / metrics['bound.found.tpot']!.value, 'beside the best found').toBeGreaterThanOrEqual(1 - 1e-9);
}

/** On every machine and at every batch. */
function grid(input: RunInput, tokens: Readonly<Record<(typeof BATCHES)[number], number>>): void {
  it.each(PAIRS.slice(0, cases(PAIRS.length, 3)))('on %s, at a batch of %i', { timeout: 120_000 }, (hardware, batch) =>
    holds({ ...input, hardware, workload: { batch, tokens: tokens[batch] } }),
  );
}

describe.each(['mini-mixtral-8x8l', 'mini-finegrained-64x12l'])('%s, as recorded', (trace) => grid({ trace }, BUNDLED));

// With many experts: where there are few, what is random differs by a percent from pass to pass, whatever is prefetched.
describe('64 experts at random', () => grid({ trace: 'mini-finegrained-64x12l', variants: ['random'] }, BUNDLED));

const RECORDINGS = {
  'qwen3-30b-a3b.code': 'qwen3-30b-a3b',
  'qwen3-30b-a3b.math': 'qwen3-30b-a3b',
  'gpt-oss-20b.decode': 'gpt-oss-20b',
} as const;

recorded(
  'prefetches of large models',
  Object.keys(RECORDINGS).map((name) => `traces/${name}.safetensors`),
  () => {
    describe.each(Object.entries(RECORDINGS))('%s', (name, model) =>
      grid({ trace: recording(`traces/${name}.safetensors`), model }, TOKENS),
    );
    describe('128 experts at random', () => {
      grid({ trace: recording('traces/qwen3-30b-a3b.code.safetensors'), model: 'qwen3-30b-a3b', variants: ['random'] }, TOKENS);
    });
  },
);

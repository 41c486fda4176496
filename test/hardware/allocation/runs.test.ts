// KV caches as runs count them, beside what the engines allocate: the same bytes a token, whatever the types and variants.
import { describe, expect, it } from 'vitest';
import { listProfiles } from '../../../src/base/profiles.js';
import { parseKvFormat, withKvFormat } from '../../../src/model/kv-format.js';
import { loadModel } from '../../../src/model/load/load.js';
import { allocate, holdings } from '../../../src/runtime/allocation/allocate.js';
import type { EngineLoad } from '../../../src/runtime/load.js';
import { plan } from './plans.js';

const CELLS = 4096;

/** Bytes a token that the engine's cache grows by, states of fixed size apart. */
function perToken(model: ReturnType<typeof loadModel>, changes: Partial<EngineLoad>): number {
  const at = (context: number): number => holdings(model, plan({ context, ...changes })).reduce((sum, { kv }) => sum + kv, 0);
  return (at(2 * CELLS) - at(CELLS)) / CELLS;
}

describe('a token of context', () => {
  const ik = { engine: 'ik_llama.cpp', mla: 3 } as const;
  const names = listProfiles('models').filter((name) => loadModel(name).anatomy !== undefined);

  it.each(names)('of %s takes what a run counts', (name) => {
    const { anatomy, dense } = loadModel(name);
    const own = (anatomy!.layers.length / (anatomy!.layers.length + anatomy!.nextLayers)) * perToken(loadModel(name), ik);
    expect(own).toBeCloseTo(dense.kvBytesPerToken, 3);
  });

  it.each([
    ['qwen3-30b-a3b', 'q8_0', 'q8_0'],
    ['qwen3-30b-a3b', 'q8_0', 'q4_0'],
    ['deepseek-v3', 'q8_0', 'q8_0'],
    ['gpt-oss-20b', 'q4_0', 'q4_0'],
  ])('of %s in %s and %s, too', (name, k, v) => {
    const model = loadModel(name);
    const counted = withKvFormat(model, parseKvFormat(`${k}/${v}`)).dense.kvBytesPerToken;
    expect(perToken(model, { ...ik, kv: { k, v } })).toBeCloseTo(counted, 3);
  });

  it('beyond a window is counted by runs and ik_llama.cpp, not by llama.cpp', () => {
    const model = loadModel('gpt-oss-20b');
    expect(perToken(model, ik)).toBe(model.dense.kvBytesPerToken);
    expect(perToken(model, {})).toBe(model.dense.kvBytesPerToken / 2);
  });
});

describe('one layer more on the GPU', () => {
  it('never lowers its weights and cache, and moves them from the host', () => {
    const model = loadModel('qwen3-30b-a3b', 'q4_k_m');
    const gpu = (cpuMoeLayers: number, gpuLayers: number) => allocate(model, plan({ cpuMoeLayers, gpuLayers, context: CELLS })).devices;
    for (let layers = 0; layers < 48; layers += 6) {
      const [less, more] = [gpu(layers + 1, 49), gpu(layers, 49)];
      expect(more[0]!.weights).toBeGreaterThan(less[0]!.weights);
      expect(more[0]!.weights + more[1]!.weights).toBeCloseTo(less[0]!.weights + less[1]!.weights, 0);
      const [few, many] = [gpu(0, layers), gpu(0, layers + 1)];
      const held = ([one]: typeof few): number => one!.weights + one!.kv;
      expect(held(many)).toBeGreaterThan(held(few));
    }
  });
});

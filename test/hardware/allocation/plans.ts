// Load plans of the tests: a usual one, and what a test changes.
import type { LoadPlan } from '../../../src/runtime/allocation/graph/load-plan.js';
import { type EngineLoad, loadPlan } from '../../../src/runtime/load.js';

export const MIB = 2 ** 20;

/** llama.cpp, one GPU with all layers, 32,768 tokens of f16, flash attention. */
export function plan(changes: Partial<EngineLoad> = {}): LoadPlan {
  return loadPlan({
    engine: 'llama.cpp',
    gpus: 1,
    gpuLayers: Number.POSITIVE_INFINITY,
    context: 32_768,
    parallel: 1,
    batch: 2048,
    ubatch: 512,
    kv: { k: 'f16', v: 'f16' },
    flashAttention: true,
    mla: 0,
    ...changes,
  });
}

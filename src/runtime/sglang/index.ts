// SGLang: a server that shares tensors over GPUs.
import { checkpointDrafts, SERVER } from '../kind/advised.js';
import type { KnownRuntime } from '../kind/runtime.js';
import { servedMemory } from '../kind/served.js';
import { serving } from '../logs/serving.js';
import { SGLANG_LEAVES, sglangFlags } from './flags.js';
import { oneBatch } from './one-batch.js';

/** SGLang. */
export const sglangRuntime: KnownRuntime = {
  name: 'sglang',
  logs: [
    { format: serving, by: 'sglang.bench_serving', mark: /^\s*Backend:\s.*sglang/im },
    { format: oneBatch, by: 'sglang.bench_one_batch' },
  ],
  advised: {
    ...SERVER,
    profile: 'sglang',
    dialect: sglangFlags,
    drafts: checkpointDrafts,
    memory: (...served) => servedMemory(SGLANG_LEAVES, ...served),
  },
};

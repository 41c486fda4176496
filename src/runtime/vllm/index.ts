import { folderOf, lineDialect } from '../flags/dialect.js';
import { checkpointDrafts, SERVER } from '../kind/advised.js';
import { runtimeFrom } from '../kind/runtime.js';
import { servedMemory } from '../kind/served.js';
import { serving } from '../logs/serving.js';

/** Default share of a GPU left free. */
const LEAVES = 0.1;

const dialect = lineDialect('vllm', (input) => {
  const { gpus, setting } = input;
  return {
    operands: [folderOf(input)],
    uses: [
      ...(gpus > 1 ? ([['--tensor-parallel-size', gpus]] as const) : []),
      ['--max-model-len', setting.context],
      ['--max-num-seqs', setting.users],
      ['--max-num-batched-tokens', setting.ubatch],
      ['--gpu-memory-utilization', (1 - LEAVES).toFixed(2)],
      ...(setting.slots === null ? [] : ([['--moe-expert-cache-size', setting.slots]] as const)),
      ...(setting.draft === 0
        ? []
        : ([['--speculative-config', JSON.stringify({ method: setting.drafter, num_speculative_tokens: setting.draft })]] as const)),
    ],
  };
});

/** vLLM: a server with the whole model on GPUs that share tensors. */
export const vllmRuntime = runtimeFrom({
  name: 'vllm',
  vendors: ['nvidia', 'amd', 'intel', 'none'],
  logs: [{ format: serving, by: 'vllm bench serve' }],
  advised: {
    ...SERVER,
    profile: 'vllm',
    dialect,
    drafts: checkpointDrafts,
    looksUp: true,
    caches: [
      {
        name: 'LFRU cache',
        system: 'vllm-expert-cache',
        misses: 'link',
        keeps: true,
        read: 'pull request 37190, open, 2026-03-16 to 2026-07-31',
      },
    ],
    memory: (...served) => servedMemory(LEAVES, ...served),
  },
});

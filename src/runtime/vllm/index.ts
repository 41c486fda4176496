import { folderOf, lineDialect } from '../flags/dialect.js';
import { grammarOf } from '../flags/flag.js';
import { checkpointDrafts, SERVER } from '../kind/advised.js';
import { runtimeFrom } from '../kind/runtime.js';
import { servedMemory } from '../kind/served.js';
import { serving } from '../logs/serving.js';

/** Default share of a GPU left free. */
const LEAVES = 0.1;

const GRAMMAR = grammarOf(
  { program: 'vllm serve', operands: 1, version: '0.11', source: 'github.com/vllm-project/vllm, vllm/engine/arg_utils.py' },
  `
--tensor-parallel-size, -tp  >=1  GPUs that share every tensor
--enable-expert-parallel  -  GPUs share experts rather than tensors of experts
--max-model-len  >=1  tokens of context of a conversation
--max-num-seqs  >=1  conversations at a time
--max-num-batched-tokens  >=1  most prompt tokens of one pass
--gpu-memory-utilization  0..1  share of GPU memory that is used
--kv-cache-dtype  auto|fp8|fp8_e4m3|fp8_e5m2|bfloat16  storage of keys and values
--speculative-config  json  what drafts tokens; mtp: the model's own further layer
# Of its pull request 37190.
--moe-expert-cache-size  >=0  experts of each layer in a cache on the GPU; host memory holds all
--quantization, -q  text  how weights are stored, where their files do not say it
`,
);

const dialect = lineDialect(GRAMMAR, (input) => {
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

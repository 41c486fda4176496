// vLLM: a server with the whole model on GPUs that share tensors.
import { folderOf, lineDialect } from '../flags/dialect.js';
import { choice, count, type Grammar, SWITCH, TEXT } from '../flags/flag.js';
import { checkpointDrafts, SERVER } from '../kind/advised.js';
import type { KnownRuntime } from '../kind/runtime.js';
import { servedMemory } from '../kind/served.js';
import { serving } from '../logs/serving.js';

/** Share of a GPU that it leaves by default. */
const LEAVES = 0.1;

const GRAMMAR: Grammar = {
  program: 'vllm serve',
  operands: 1,
  version: '0.11',
  source: 'github.com/vllm-project/vllm, vllm/engine/arg_utils.py',
  flags: [
    { names: ['--tensor-parallel-size', '-tp'], takes: count(1), does: 'GPUs that share every tensor' },
    { names: ['--enable-expert-parallel'], takes: SWITCH, does: 'GPUs share experts rather than tensors of experts' },
    { names: ['--max-model-len'], takes: count(1), does: 'tokens of context of a conversation' },
    { names: ['--max-num-seqs'], takes: count(1), does: 'conversations at a time' },
    { names: ['--max-num-batched-tokens'], takes: count(1), does: 'most prompt tokens of one pass' },
    { names: ['--gpu-memory-utilization'], takes: { kind: 'number', min: 0, max: 1 }, does: 'share of GPU memory that is used' },
    { names: ['--kv-cache-dtype'], takes: choice('auto', 'fp8', 'fp8_e4m3', 'fp8_e5m2', 'bfloat16'), does: 'storage of keys and values' },
    { names: ['--speculative-config'], takes: { kind: 'json' }, does: "what drafts tokens; mtp: the model's own further layer" },
    { names: ['--quantization', '-q'], takes: TEXT, does: 'how weights are stored, where their files do not say it' },
  ],
};

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
      ...(setting.draft === 0
        ? []
        : ([['--speculative-config', JSON.stringify({ method: 'mtp', num_speculative_tokens: setting.draft })]] as const)),
    ],
  };
});

/** vLLM. */
export const vllmRuntime: KnownRuntime = {
  name: 'vllm',
  logs: [{ format: serving, by: 'vllm bench serve' }],
  advised: {
    ...SERVER,
    profile: 'vllm',
    dialect,
    drafts: checkpointDrafts,
    memory: (...served) => servedMemory(LEAVES, ...served),
  },
};

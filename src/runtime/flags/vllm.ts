// vLLM's server: the whole model on GPUs that share tensors.
import { VLLM_LEAVES } from '../served.js';
import { folderOf, lineDialect } from './dialect.js';
import { choice, count, type Grammar, SWITCH, TEXT } from './flag.js';

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

/** vLLM. */
export const vllmServer = lineDialect(GRAMMAR, (input) => {
  const { gpus, setting } = input;
  return {
    operands: [folderOf(input)],
    uses: [
      ...(gpus > 1 ? ([['--tensor-parallel-size', gpus]] as const) : []),
      ['--max-model-len', setting.context],
      ['--max-num-seqs', setting.users],
      ['--max-num-batched-tokens', setting.ubatch],
      ['--gpu-memory-utilization', (1 - VLLM_LEAVES).toFixed(2)],
      ...(setting.draft === 0
        ? []
        : ([['--speculative-config', JSON.stringify({ method: 'mtp', num_speculative_tokens: setting.draft })]] as const)),
    ],
  };
});

import { type CommandInput, folderOf, lineDialect, type Uses } from '../flags/dialect.js';
import { type FlagRows, grammarOf, least, type Spelling, USUAL } from '../flags/flag.js';

/** Flags of its server. */
export const SGLANG_FLAGS = {
  '--model-path, --model': USUAL.model,
  '--tensor-parallel-size, --tp-size, --tp': [least(1), 'GPUs that share every tensor'],
  '--context-length': USUAL.context,
  '--max-running-requests': USUAL.users,
  '--max-total-tokens': USUAL.cached,
  '--chunked-prefill-size': USUAL.pass,
  '--mem-fraction-static': ['share', 'share of GPU memory for weights and KV cache'],
  '--kv-cache-dtype': [['auto', 'fp8_e5m2', 'fp8_e4m3', 'bfloat16'], 'storage of keys and values'],
  '--trust-remote-code': [null, 'code beside the model may run'],
} satisfies FlagRows;

const GRAMMAR = grammarOf(
  { program: 'python -m sglang.launch_server', version: '0.5', source: 'github.com/sgl-project/sglang, python/sglang/srt/server_args.py' },
  {
    ...SGLANG_FLAGS,
    '--speculative-algorithm': [
      ['EAGLE', 'EAGLE3', 'NEXTN', 'STANDALONE', 'NGRAM'],
      "what drafts tokens; EAGLE without a draft model: the model's own further layer",
    ],
    '--speculative-num-steps': [least(1), 'tokens that are drafted one behind another'],
    '--speculative-eagle-topk': [least(1), 'branches of a draft'],
    '--speculative-num-draft-tokens': [least(1), 'tokens that a pass checks, the known one counted'],
  },
);

/** Share of a GPU that our flags leave for activations and graphs, also with KTransformers. */
export const SGLANG_LEAVES = 0.12;

/** Server flags of a setting. */
export function serverUses(input: CommandInput): Uses<Spelling<keyof typeof SGLANG_FLAGS>> {
  const { gpus, setting } = input;
  return [
    ['--model-path', folderOf(input)],
    gpus > 1 && ['--tensor-parallel-size', gpus],
    ['--context-length', setting.context],
    ['--max-running-requests', setting.users],
    ['--chunked-prefill-size', setting.ubatch],
    ['--mem-fraction-static', (1 - SGLANG_LEAVES).toFixed(2)],
  ];
}

/** SGLang's server on GPUs alone; with KTransformers' kernels, see ../ktransformers. */
export const sglangFlags = lineDialect(GRAMMAR, (input) => {
  const { draft } = input.setting;
  return [
    ...serverUses(input),
    draft > 0 && ['--speculative-algorithm', 'EAGLE'],
    draft > 0 && ['--speculative-num-steps', draft],
    draft > 0 && ['--speculative-eagle-topk', 1],
    draft > 0 && ['--speculative-num-draft-tokens', draft + 1],
  ];
});

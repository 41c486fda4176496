import { type CommandInput, folderOf, lineDialect } from '../flags/dialect.js';
import { type FlagUse, grammarOf } from '../flags/flag.js';

/** Flags of its server. */
export const SGLANG_FLAGS = `
--model-path, --model  text  folder or repository of the model
--tensor-parallel-size, --tp-size, --tp  >=1  GPUs that share every tensor
--context-length  >=1  tokens of context of a conversation
--max-running-requests  >=1  conversations at a time
--max-total-tokens  >=1  tokens of the KV cache, of all conversations together
--chunked-prefill-size  >=1  most prompt tokens of one pass
--mem-fraction-static  0..1  share of GPU memory for weights and KV cache
--kv-cache-dtype  auto|fp8_e5m2|fp8_e4m3|bfloat16  storage of keys and values
--trust-remote-code  -  code beside the model may run
`;

const GRAMMAR = grammarOf(
  { program: 'python -m sglang.launch_server', version: '0.5', source: 'github.com/sgl-project/sglang, python/sglang/srt/server_args.py' },
  SGLANG_FLAGS,
  `
--speculative-algorithm  EAGLE|EAGLE3|NEXTN|STANDALONE|NGRAM  what drafts tokens; EAGLE without a draft model: the
  model's own further layer
--speculative-num-steps  >=1  tokens that are drafted one behind another
--speculative-eagle-topk  >=1  branches of a draft
--speculative-num-draft-tokens  >=1  tokens that a pass checks, the known one counted
`,
);

/** Share of a GPU that our flags leave for activations and graphs, also with KTransformers. */
export const SGLANG_LEAVES = 0.12;

/** Server flags of a setting. */
export function serverUses(input: CommandInput): FlagUse[] {
  const { gpus, setting } = input;
  return [
    ['--model-path', folderOf(input)],
    ...(gpus > 1 ? ([['--tensor-parallel-size', gpus]] as const) : []),
    ['--context-length', setting.context],
    ['--max-running-requests', setting.users],
    ['--chunked-prefill-size', setting.ubatch],
    ['--mem-fraction-static', (1 - SGLANG_LEAVES).toFixed(2)],
  ];
}

/** SGLang's server on GPUs alone; with KTransformers' kernels, see ../ktransformers. */
export const sglangFlags = lineDialect(GRAMMAR, (input) => {
  const { draft } = input.setting;
  if (draft === 0) return { uses: serverUses(input) };
  const drafts: FlagUse[] = [
    ['--speculative-algorithm', 'EAGLE'],
    ['--speculative-num-steps', draft],
    ['--speculative-eagle-topk', 1],
    ['--speculative-num-draft-tokens', draft + 1],
  ];
  return { uses: [...serverUses(input), ...drafts] };
});

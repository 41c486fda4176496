// SGLang's server on GPUs alone; with KTransformers' kernels beside it, see ../ktransformers.
import { type CommandInput, folderOf, lineDialect } from '../flags/dialect.js';
import { choice, count, type Flag, type FlagUse, type Grammar, SWITCH, TEXT } from '../flags/flag.js';

/** Share of a GPU that is left for activations and graphs by our flags, also with KTransformers. */
export const SGLANG_LEAVES = 0.12;

/** Flags of the server, with or without KTransformers. */
export const SERVER_FLAGS: readonly Flag[] = [
  { names: ['--model-path', '--model'], takes: TEXT, does: 'folder or repository of the model' },
  { names: ['--tensor-parallel-size', '--tp-size', '--tp'], takes: count(1), does: 'GPUs that share every tensor' },
  { names: ['--context-length'], takes: count(1), does: 'tokens of context of a conversation' },
  { names: ['--max-running-requests'], takes: count(1), does: 'conversations at a time' },
  { names: ['--max-total-tokens'], takes: count(1), does: 'tokens of the KV cache, of all conversations together' },
  { names: ['--chunked-prefill-size'], takes: count(1), does: 'most prompt tokens of one pass' },
  { names: ['--mem-fraction-static'], takes: { kind: 'number', min: 0, max: 1 }, does: 'share of GPU memory for weights and KV cache' },
  { names: ['--kv-cache-dtype'], takes: choice('auto', 'fp8_e5m2', 'fp8_e4m3', 'bfloat16'), does: 'storage of keys and values' },
  { names: ['--trust-remote-code'], takes: SWITCH, does: 'code beside the model may run' },
];

/** Flags of drafts; of KTransformers' models one has them documented, and none is advised. */
const DRAFT_FLAGS: readonly Flag[] = [
  {
    names: ['--speculative-algorithm'],
    takes: choice('EAGLE', 'EAGLE3', 'NEXTN', 'STANDALONE', 'NGRAM'),
    does: "what drafts tokens; EAGLE without a draft model: the model's own further layer",
  },
  { names: ['--speculative-num-steps'], takes: count(1), does: 'tokens that are drafted one behind another' },
  { names: ['--speculative-eagle-topk'], takes: count(1), does: 'branches of a draft' },
  { names: ['--speculative-num-draft-tokens'], takes: count(1), does: 'tokens that a pass checks, the known one counted' },
];

const GRAMMAR: Grammar = {
  program: 'python -m sglang.launch_server',
  version: '0.5',
  source: 'github.com/sgl-project/sglang, python/sglang/srt/server_args.py',
  flags: [...SERVER_FLAGS, ...DRAFT_FLAGS],
};

/** Flags of the server for a setting. */
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

/** SGLang. */
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

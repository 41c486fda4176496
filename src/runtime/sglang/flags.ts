import { type CommandInput, folderOf, lineDialect } from '../flags/dialect.js';
import type { FlagUse } from '../flags/flag.js';

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
export const sglangFlags = lineDialect('sglang', (input) => {
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

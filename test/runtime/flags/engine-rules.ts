// Where llama.cpp and ik_llama.cpp load each tensor by the flags of a line, written from their sources (v0.5.0: common/arg.cpp, common/common.h,
// src/llama-model.cpp load_tensors; ik_llama.cpp 8337e4c: the same functions). It shares nothing with what moeprof counts by.
import { shellWords } from './command.js';

/** A tensor of a file. */
export interface FileTensor {
  readonly name: string;
  readonly bytes: number;
}

const EXPERTS = '\\.ffn_(up|down|gate|gate_up)_(ch|)exps';
/** Tensors of the input layer, which stays in host memory. */
const INPUT = /^(token_embd|per_layer_token_embd|token_types|position_embd)\b/;

/** Patterns of host memory in the order of the line: of -ot, and of the flags that are short for some. */
function overridesOf(words: readonly string[]): RegExp[] {
  return words.flatMap((word, i): RegExp[] => {
    const value = words[i + 1] ?? '';
    switch (word) {
      case '-ot':
        return value.split(',').map((rule) => {
          const at = rule.indexOf('=');
          if (rule.slice(at + 1) !== 'CPU') throw new Error(`${rule}: unknown buffer type`);
          return new RegExp(rule.slice(0, at));
        });
      case '-ncmoe':
        return Array.from({ length: Number(value) }, (_, block) => new RegExp(`blk\\.${block}${EXPERTS}`));
      case '-cmoe':
        return [new RegExp(EXPERTS)];
      default:
        return [];
    }
  });
}

/**
 * Bytes of weights by device: GPUs in order, then the host.
 * @param blocks blocks of the file, those that predict further tokens as well
 * @param headFirst true: -ngl gives the output layer to a GPU before any block (llama.cpp since December 2025)
 */
export function loadedBytes(line: string, tensors: readonly FileTensor[], blocks: number, gpus: number, headFirst: boolean): number[] {
  const words = shellWords(line);
  const given = (flag: string): string | undefined => (words.includes(flag) ? words[words.indexOf(flag) + 1] : undefined);
  const ngl = Number(given('-ngl') ?? 0);
  const start = Math.max(blocks + (headFirst ? 1 : 0) - ngl, 0);
  const offloaded = gpus === 0 ? 0 : Math.min(ngl, blocks + 1);
  const shares = given('-ts')?.split(',').map(Number) ?? Array.from({ length: gpus }, () => 1);
  const total = shares.reduce((sum, share) => sum + share, 0);
  let sum = 0;
  const ends = shares.map((share) => Math.fround((sum += share) / total));
  const deviceOf = (block: number): number => {
    if (block < start || block - start >= offloaded) return gpus;
    // std::upper_bound: the first end beyond the block's place.
    return ends.findIndex((end) => end > Math.fround((block - start) / offloaded));
  };
  const overrides = overridesOf(words);
  const bytes = new Array<number>(gpus + 1).fill(0);
  for (const tensor of tensors) {
    const block = /^blk\.(\d+)\./.exec(tensor.name)?.[1];
    const usual = INPUT.test(tensor.name) ? gpus : deviceOf(block === undefined ? blocks : Number(block));
    bytes[overrides.some((pattern) => pattern.test(tensor.name)) ? gpus : usual]! += tensor.bytes;
  }
  // A table that is the head, too, is created a second time where the output layer is not the host's.
  const output = deviceOf(blocks);
  if (output !== gpus && !tensors.some(({ name }) => name === 'output.weight'))
    bytes[output]! += tensors.find(({ name }) => name === 'token_embd.weight')?.bytes ?? 0;
  return bytes;
}

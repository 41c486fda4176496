// A small model with experts as GGUF metadata and tensors, for tests that need some model in a file.
import type { TestTensor } from './gguf-file.js';

/** Width of the residual stream. */
export const HIDDEN = 256;
/** Width of an expert. */
export const WIDTH = 512;
/** Experts of a layer; a token uses two. */
export const EXPERTS = 4;

/** Metadata of so many layers: four heads of 32 values, two of them with keys and values. */
export function tinyMetadata(layers: number) {
  return {
    'general.architecture': 'qwen3moe',
    'general.name': 'Tiny Mix',
    'qwen3moe.block_count': layers,
    'qwen3moe.embedding_length': HIDDEN,
    'qwen3moe.expert_count': EXPERTS,
    'qwen3moe.expert_used_count': 2,
    'qwen3moe.attention.head_count': 4,
    'qwen3moe.attention.head_count_kv': 2,
    'qwen3moe.attention.key_length': 32,
    'qwen3moe.attention.value_length': 32,
  };
}

/** A layer with experts; the down projection's type makes layers differ, as q4_k_m does. */
export function tinyLayer(index: number, down: TestTensor['type'], gate: TestTensor['type'] = 'q4_k'): TestTensor[] {
  const name = (part: string): string => `blk.${index}.${part}.weight`;
  return [
    { name: name('attn_norm'), type: 'f32', shape: [HIDDEN] },
    { name: name('attn_q'), type: 'q4_k', shape: [HIDDEN, 128] },
    { name: name('attn_k'), type: 'q4_k', shape: [HIDDEN, 64] },
    { name: name('attn_v'), type: 'q6_k', shape: [HIDDEN, 64] },
    { name: name('attn_output'), type: 'q8_0', shape: [128, HIDDEN] },
    { name: name('ffn_norm'), type: 'f32', shape: [HIDDEN] },
    { name: name('ffn_gate_inp'), type: 'f32', shape: [HIDDEN, EXPERTS] },
    { name: name('ffn_gate_exps'), type: gate, shape: [HIDDEN, WIDTH, EXPERTS] },
    { name: name('ffn_up_exps'), type: 'q4_k', shape: [HIDDEN, WIDTH, EXPERTS] },
    { name: name('ffn_down_exps'), type: down, shape: [WIDTH, HIDDEN, EXPERTS] },
  ];
}

/** Tensors outside of layers. */
export const TINY_OUTER: readonly TestTensor[] = [
  { name: 'token_embd.weight', type: 'q4_k', shape: [HIDDEN, 1000] },
  { name: 'output_norm.weight', type: 'f32', shape: [HIDDEN] },
  { name: 'output.weight', type: 'q6_k', shape: [HIDDEN, 1000] },
];

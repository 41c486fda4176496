import { greatestCommonDivisor } from '../../base/divisor.js';
import { UserError } from '../../base/errors.js';
import type { Fields } from '../fields.js';
import type { Mixer } from '../mixers.js';
import type { ModelProfileInput } from '../profile.js';

/** The family's part of a profile. */
export type Architecture = Omit<ModelProfileInput, 'name' | 'quantization' | 'published' | 'routing'>;

type Attention = Architecture['attention'];
type Grouped = Extract<Attention, { kind: 'gqa' }>;

/** A model family, read from config.json. Field names and defaults follow transformers. */
export interface Family {
  /** Values of `model_type`. */
  readonly types: readonly string[];
  /** Values of `architectures` for any `model_type`. */
  readonly architectures?: readonly string[];
  /** @throws UserError for a missing or malformed field */
  read(config: Fields): Architecture;
}

/** Width and vocabulary. @param tied default of `tie_word_embeddings` @param hidden field of the width */
export function stem(config: Fields, tied: boolean, hidden = 'hidden_size'): Pick<Architecture, 'hidden' | 'vocab' | 'tiedEmbeddings'> {
  return { hidden: config.count(hidden), vocab: config.count('vocab_size'), tiedEmbeddings: config.flag('tie_word_embeddings', tied) };
}

/** Depth, width and vocabulary. @param tied as in {@link stem} */
export function decoder(config: Fields, tied = false): ReturnType<typeof stem> & { layers: number } {
  return { layers: config.depth('num_hidden_layers'), ...stem(config, tied) };
}

/** Multi-head or grouped-query attention. */
export function grouped(config: Fields, also: Partial<Grouped> = {}): Grouped {
  const heads = config.count('num_attention_heads');
  return {
    kind: 'gqa',
    heads,
    kvHeads: config.countOr(heads, 'num_key_value_heads', 'num_attention_groups'),
    headDim: headDim(config, heads),
    ...also,
  };
}

/** Stated, or an even share of the hidden size. @throws UserError without either */
export function headDim(config: Fields, heads: number): number {
  const even = config.count('hidden_size', 'd_model') / heads;
  if (!Number.isInteger(even) && !config.has('head_dim') && !config.has('attention_head_dim'))
    throw new UserError(`${config.place}: head_dim: is missing, and the hidden size is not a multiple of ${heads} heads`);
  return config.countOr(even, 'head_dim', 'attention_head_dim');
}

/** Multi-head latent attention (DeepSeek-V2). */
export const latent = (config: Fields): Attention => ({
  kind: 'mla',
  heads: config.count('num_attention_heads'),
  qLora: config.indexOr(0, 'q_lora_rank'),
  kvLora: config.count('kv_lora_rank'),
  qkNope: config.count('qk_nope_head_dim'),
  qkRope: config.count('qk_rope_head_dim'),
  vHead: config.count('v_head_dim'),
});

/** Biases of all four projections, if `attention_bias` is set. */
export function biases(config: Fields, fallback = false): Pick<Grouped, 'bias' | 'outBias'> {
  const bias = config.flag('attention_bias', fallback);
  return { bias, outBias: bias };
}

/** A sliding window for all layers; empty if the window spans the longest context. */
export function window(config: Fields): Pick<Grouped, 'window'> {
  const size = config.indexOr(0, 'sliding_window', 'sliding_window_size');
  return size > 0 && size < config.indexOr(Number.MAX_SAFE_INTEGER, 'max_position_embeddings') ? { window: { size } } : {};
}

/** Attention in the layers `at`, mixer `kind` in all other layers. */
export function mixerLayers(at: readonly number[], kind: string, { parameters, state }: Mixer): Pick<Grouped, 'layers' | 'otherwise'> {
  return { layers: [...at], otherwise: { kind, parameters, stateBytes: 4 * state } };
}

/** Layers that pass `test`. */
export const layersWhere = (layers: number, test: (layer: number) => boolean): number[] =>
  Array.from({ length: layers }, (_, layer) => layer).filter(test);

/** Layers of `kind` in a list (`layer_types`); null without the list. */
export const layersOfKind = (config: Fields, kind: string, name = 'layer_types'): number[] | null =>
  config.texts(name)?.flatMap((found, layer) => (found === kind ? [layer] : [])) ?? null;

/** MoE layers in profile form. @throws UserError if no layer has experts */
export function sparse(
  config: Fields,
  layers: number,
  test: (layer: number) => boolean,
): Required<Pick<Architecture['moe'], 'first' | 'every' | 'except'>> {
  const moe = layersWhere(layers, test);
  const [first, second] = moe;
  if (first === undefined) throw new UserError(`${config.place}: no layer of this model has experts; moeprof is about models that have`);
  let every = second === undefined ? layers : second - first;
  for (let i = 2; i < moe.length; i++) every = greatestCommonDivisor(every, moe[i]! - moe[i - 1]!);
  const known = new Set(moe);
  return { first, every, except: layersWhere(layers, (layer) => layer >= first && (layer - first) % every === 0 && !known.has(layer)) };
}

/** FFN of dense layers, if present. */
export function dense(config: Fields, name = 'intermediate_size'): Pick<Architecture, 'dense'> {
  const intermediate = config.indexOr(0, name);
  return intermediate > 0 ? { dense: { intermediate } } : {};
}

/** Shared experts by total width; 0: none. */
export const shared = (intermediate: number, gated = false): Pick<Architecture['moe'], 'shared'> =>
  intermediate > 0 ? { shared: { intermediate, gated } } : {};

/** Experts by Mixtral's fields: `num_local_experts` of width `intermediate_size`. */
export const experts = (config: Fields): Architecture['moe'] => ({
  experts: config.count('num_local_experts', 'num_experts'),
  topK: config.count('num_experts_per_tok', 'experts_per_token', 'num_selected_experts'),
  intermediate: config.count('intermediate_size'),
});

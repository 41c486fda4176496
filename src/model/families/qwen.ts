// Qwen: MoE in every `decoder_sparse_step`-th layer except `mlp_only_layers`; a gated shared expert.
import type { Fields } from '../fields.js';
import { deltaNet, type Mixer } from '../mixers.js';
import type { Architecture, Family } from './family.js';
import { biases, decoder, dense, grouped, layersOfKind, layersWhere, mixerLayers, shared, sparse, window } from './family.js';

function family(
  types: readonly string[],
  attention: (config: Fields, base: Pick<Architecture, 'layers' | 'hidden'>) => Architecture['attention'],
): Family {
  return {
    types,
    read: (config) => {
      const base = decoder(config);
      const spec = attention(config, base);
      const step = config.countOr(1, 'decoder_sparse_step');
      const denseOnly = new Set(config.indexes('mlp_only_layers') ?? []);
      return {
        ...base,
        attention: spec,
        moe: {
          experts: config.count('num_experts', 'num_local_experts'),
          topK: config.count('num_experts_per_tok'),
          intermediate: config.count('moe_intermediate_size'),
          ...sparse(config, base.layers, (layer) => !denseOnly.has(layer) && (layer + 1) % step === 0),
          ...shared(config.indexOr(0, 'shared_expert_intermediate_size'), true),
        },
        ...dense(config),
      };
    },
  };
}

const optionalWindow = (config: Fields): ReturnType<typeof window> => (config.flag('use_sliding_window', false) ? window(config) : {});

/** Qwen1.5-MoE and Qwen2-57B-A14B. */
export const qwen2 = family(['qwen2_moe'], (config) => grouped(config, { bias: config.flag('qkv_bias', true), ...optionalWindow(config) }));

/** Qwen3 and the language models of Qwen3-VL and Qwen3-Omni. */
export const qwen3 = family(['qwen3_moe', 'qwen3_vl_moe_text', 'qwen3_omni_moe_text'], (config) =>
  grouped(config, { ...biases(config), qkNorm: true, ...optionalWindow(config) }),
);

/** Qwen3-Next and Qwen3.5: gated attention in every fourth layer, gated DeltaNet in the rest. */
export const qwen3Next = family(['qwen3_next', 'qwen3_5_moe', 'qwen3_5_moe_text'], (config, { hidden, layers }) => {
  const interval = config.countOr(4, 'full_attention_interval');
  const full = layersOfKind(config, 'full_attention') ?? layersWhere(layers, (layer) => (layer + 1) % interval === 0);
  return grouped(config, { qkNorm: true, gate: true, ...mixerLayers(full, 'gated-deltanet', deltaNetOf(config, hidden)) });
});

const deltaNetOf = (config: Fields, hidden: number): Mixer =>
  deltaNet(hidden, {
    keyHeads: config.countOr(16, 'linear_num_key_heads'),
    keyDim: config.countOr(128, 'linear_key_head_dim'),
    valueHeads: config.countOr(32, 'linear_num_value_heads'),
    valueDim: config.countOr(128, 'linear_value_head_dim'),
    kernel: config.countOr(4, 'linear_conv_kernel_dim'),
  });

import type { Fields } from '../fields.js';
import { type Mixer, mamba2 } from '../mixers.js';
import {
  biases,
  decoder,
  dense,
  experts,
  type Family,
  grouped,
  headDim,
  layersOfKind,
  layersWhere,
  mixerLayers,
  shared,
  sparse,
} from './family.js';

/** Jamba: attention in every `attn_layer_period`-th layer, experts in every `expert_layer_period`-th. */
export const jamba: Family = {
  types: ['jamba'],
  read: (config) => {
    const base = decoder(config);
    const attention = { period: config.countOr(8, 'attn_layer_period'), offset: config.indexOr(4, 'attn_layer_offset') };
    const expert = { period: config.countOr(2, 'expert_layer_period'), offset: config.indexOr(1, 'expert_layer_offset') };
    const at = layersWhere(base.layers, (layer) => layer % attention.period === attention.offset);
    return {
      ...base,
      attention: grouped(config, mixerLayers(at, 'mamba', mamba(config, base.hidden))),
      moe: { ...experts(config), ...sparse(config, base.layers, (layer) => layer % expert.period === expert.offset) },
      ...dense(config),
    };
  },
};

function mamba(config: Fields, hidden: number): Mixer {
  const inner = hidden * config.countOr(2, 'mamba_expand');
  const state = config.countOr(16, 'mamba_d_state');
  const auto = Math.ceil(hidden / 16);
  const rank = config.says('mamba_dt_rank', 'auto') ? auto : config.countOr(auto, 'mamba_dt_rank');
  const kernel = config.countOr(4, 'mamba_d_conv');
  const convolution = inner * (kernel + (config.flag('mamba_conv_bias', true) ? 1 : 0));
  const selection = inner * (rank + 2 * state) + (rank + 1) * inner; // step, B and C per token; step per channel, with bias
  const norms = rank + 2 * state;
  const projectionBias = config.flag('mamba_proj_bias', false) ? 2 * inner + hidden : 0;
  return {
    parameters: 3 * hidden * inner + convolution + selection + inner * state + inner + norms + projectionBias, // in and out; A; D
    state: (kernel - 1) * inner + inner * state,
  };
}

/** Granite 3 (GraniteMoE), the variant with shared experts, and Granite 4 with Mamba-2. */
export const granite: Family = {
  types: ['granitemoe', 'granitemoeshared', 'granitemoehybrid'],
  read: (config) => {
    const base = decoder(config);
    const at = layersOfKind(config, 'attention') ?? layersOfKind(config, 'attention', 'layers_block_type');
    const hybrid = at !== null && config.says('model_type', 'granitemoehybrid');
    return {
      ...base,
      attention: grouped(config, { ...biases(config), ...(hybrid ? mixerLayers(at, 'mamba2', graniteMixer(config, base.hidden)) : {}) }),
      moe: {
        ...experts(config),
        ...shared(config.says('model_type', 'granitemoe') ? 0 : config.indexOr(0, 'shared_intermediate_size')),
      },
    };
  },
};

const graniteMixer = (config: Fields, hidden: number): Mixer =>
  mamba2(hidden, {
    inner: hidden * config.countOr(2, 'mamba_expand'),
    heads: config.countOr(128, 'mamba_n_heads'),
    state: config.countOr(256, 'mamba_d_state'),
    groups: config.countOr(1, 'mamba_n_groups'),
    kernel: config.countOr(4, 'mamba_d_conv'),
    convolutionBias: config.flag('mamba_conv_bias', true),
    projectionBias: config.flag('mamba_proj_bias', false),
  });

/** MiniMax-Text-01 and M1: softmax attention in some layers, else lightning attention. */
export const minimax: Family = {
  types: ['minimax', 'minimax_text_01', 'minimax_m1'],
  architectures: ['MiniMaxText01ForCausalLM', 'MiniMaxM1ForCausalLM'],
  read: (config) => {
    const base = decoder(config);
    const softmax = config.indexes('attn_type_list');
    const at =
      layersOfKind(config, 'full_attention') ??
      layersWhere(base.layers, (layer) => (softmax ?? [1, 0])[layer % (softmax?.length || 2)] === 1);
    const heads = config.count('num_attention_heads');
    const width = heads * headDim(config, heads);
    // Queries, keys and values; output gate; output; norm. State: keys times values by head.
    const lightning = { parameters: base.hidden * width * 5 + width, state: (width * width) / heads };
    return { ...base, attention: grouped(config, mixerLayers(at, 'lightning', lightning)), moe: experts(config) };
  },
};

/** LFM2-8B-A1B and LFM2.5-8B-A1B. */
export const lfm2: Family = {
  types: ['lfm2_moe'],
  architectures: ['Lfm2MoeForCausalLM'],
  read: (config) => {
    const base = decoder(config, config.flag('tie_embedding', true));
    const { hidden } = base;
    const listed = new Set(config.indexes('full_attn_idxs') ?? []);
    const at = layersOfKind(config, 'full_attention') ?? layersWhere(base.layers, (layer) => listed.has(layer));
    const kernel = config.countOr(3, 'conv_L_cache');
    const bias = config.flag('conv_bias', false) ? 5 * hidden : 0;
    // Three gates in and one matrix out. State: the inputs within the kernel's reach.
    const convolution = { parameters: 4 * hidden * hidden + kernel * hidden + bias, state: (kernel - 1) * hidden };
    const first = config.indexOr(0, 'num_dense_layers');
    return {
      ...base,
      attention: grouped(config, { ...biases(config), qkNorm: true, ...mixerLayers(at, 'short convolution', convolution) }),
      moe: {
        experts: config.count('num_experts', 'num_local_experts'),
        topK: config.count('num_experts_per_tok'),
        intermediate: config.count('moe_intermediate_size'),
        routerBias: config.flag('use_expert_bias', true),
        ...sparse(config, base.layers, (layer) => layer >= first),
      },
      ...dense(config),
    };
  },
};

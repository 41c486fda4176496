import { UserError } from '../../base/errors.js';
import { biases, decoder, experts, type Family, grouped, headDim, layersOfKind, layersWhere, stem, window } from './family.js';

/** Mixtral 8x7B, 8x22B. */
export const mixtral: Family = {
  types: ['mixtral'],
  read: (config) => ({ ...decoder(config), attention: grouped(config, window(config)), moe: experts(config) }),
};

/** Phi-3.5-MoE. */
export const phimoe: Family = {
  types: ['phimoe'],
  architectures: ['PhiMoEForCausalLM', 'PhimoeForCausalLM'],
  read: (config) => ({
    ...decoder(config),
    attention: grouped(config, { ...biases(config), ...window(config) }),
    moe: experts(config),
  }),
};

/** OLMoE. */
export const olmoe: Family = {
  types: ['olmoe'],
  read: (config) => ({ ...decoder(config), attention: grouped(config, { ...biases(config), qkNorm: 'full' }), moe: experts(config) }),
};

/** MiniMax-M2 and M2.5. */
export const minimaxM2: Family = {
  types: ['minimax_m2'],
  read: (config) => ({
    ...decoder(config),
    attention: grouped(config, { qkNorm: config.flag('use_qk_norm', true) ? 'full' : false }),
    moe: { ...experts(config), routerBias: config.flag('use_routing_bias', true) },
  }),
};

/** Grok-1, and Grok-2: a dense FFN next to experts of a different width. */
export const grok: Family = {
  types: ['grok-1', 'grok1', 'grok'],
  architectures: ['Grok1ForCausalLM', 'Grok1ModelForCausalLM'],
  read: (config) => {
    const residual = config.flag('residual_moe', false);
    const moe = experts(config);
    return {
      ...decoder(config, !residual),
      attention: grouped(config),
      moe: {
        ...moe,
        intermediate: config.countOr(moe.intermediate, 'moe_intermediate_size'),
        ...(residual ? { shared: { intermediate: moe.intermediate } } : {}),
      },
    };
  },
};

/** gpt-oss-20b and 120b. */
export const gptOss: Family = {
  types: ['gpt_oss'],
  read: (config) => {
    const base = decoder(config);
    const at = layersOfKind(config, 'sliding_attention') ?? layersWhere(base.layers, (layer) => layer % 2 === 0);
    return {
      ...base,
      attention: grouped(config, { ...biases(config, true), window: { size: config.countOr(128, 'sliding_window'), at } }),
      moe: { ...experts(config), bias: true, routerBias: true },
    };
  },
};

/** dbrx-base and dbrx-instruct. */
export const dbrx: Family = {
  types: ['dbrx'],
  read: (config) => {
    const attention = config.object('attn_config');
    const ffn = config.object('ffn_config');
    if (attention === null || ffn === null)
      throw new UserError(`${config.place}: ${attention === null ? 'attn_config' : 'ffn_config'}: is missing; DBRX has its sizes there`);
    const heads = config.count('n_heads');
    return {
      layers: config.depth('n_layers'),
      ...stem(config, false, 'd_model'),
      attention: { kind: 'gqa', heads, kvHeads: attention.countOr(1, 'kv_n_heads'), headDim: headDim(config, heads) },
      moe: {
        experts: ffn.count('moe_num_experts'),
        topK: ffn.countOr(1, 'moe_top_k'),
        intermediate: ffn.count('ffn_hidden_size'),
      },
    };
  },
};

// DeepSeek, and the families that took over its fields: dense layers first, shared experts counted in widths of a routed one.
import type { Fields } from '../fields.js';
import { type Architecture, decoder, dense, type Family, grouped, latent, shared, sparse } from './family.js';

/** @param routerBias the bias by which models since DeepSeek-V3 balance their experts */
function deepseekMoe(config: Fields, layers: number, routerBias: boolean): Pick<Architecture, 'moe' | 'dense'> {
  const first = config.indexOr(0, 'first_k_dense_replace');
  const every = config.countOr(1, 'moe_layer_freq');
  const kinds = config.texts('mlp_layer_types');
  const intermediate = config.count('moe_intermediate_size');
  return {
    moe: {
      experts: config.count('n_routed_experts', 'num_experts', 'num_local_experts'),
      topK: config.count('num_experts_per_tok'),
      intermediate,
      routerBias,
      ...sparse(config, layers, (layer) => (kinds === null ? layer >= first && layer % every === 0 : kinds[layer] === 'sparse')),
      ...shared(config.indexOr(0, 'n_shared_experts') * intermediate),
    },
    ...dense(config),
  };
}

/** DeepSeekMoE-16B. */
export const deepseek: Family = {
  types: ['deepseek'],
  read: (config) => {
    const base = decoder(config);
    return { ...base, attention: grouped(config), ...deepseekMoe(config, base.layers, false) };
  },
};

/** DeepSeek-V2 (Lite). */
export const deepseekV2: Family = {
  types: ['deepseek_v2'],
  read: (config) => {
    const base = decoder(config);
    return { ...base, attention: latent(config), ...deepseekMoe(config, base.layers, config.says('topk_method', 'noaux_tc')) };
  },
};

/** DeepSeek-V3 and R1, Kimi-K2, GLM-4.7-Flash. */
export const deepseekV3: Family = {
  types: ['deepseek_v3', 'kimi_k2', 'glm4_moe_lite'],
  read: (config) => {
    const base = decoder(config);
    return { ...base, attention: latent(config), ...deepseekMoe(config, base.layers, true) };
  },
};

/** GLM-4.5 to 4.7, and the language model of GLM-4.5V. */
export const glm4: Family = {
  types: ['glm4_moe', 'glm4v_moe_text'],
  read: (config) => {
    const base = decoder(config);
    const attention = grouped(config, { bias: config.flag('attention_bias', false), qkNorm: config.flag('use_qk_norm', false) });
    return { ...base, attention, ...deepseekMoe(config, base.layers, true) };
  },
};

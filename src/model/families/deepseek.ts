import type { Fields } from '../fields.js';
import { type Architecture, decoder, dense, type Family, grouped, latent, shared, sparse } from './family.js';

/**
 * @param routerBias true: a bias balances experts (since DeepSeek-V3) @param keepsNext true: GGUF files keep MTP layers
 */
function family(
  types: readonly string[],
  attention: (config: Fields) => Architecture['attention'],
  routerBias: (config: Fields) => boolean,
  keepsNext = false,
): Family {
  return {
    types,
    read: (config) => {
      const base = decoder(config);
      const moe = deepseekMoe(config, base.layers, routerBias(config));
      const nextLayers = keepsNext ? config.indexOr(0, 'num_nextn_predict_layers') : 0;
      return { ...base, attention: attention(config), moe, ...dense(config), nextLayers };
    },
  };
}

function deepseekMoe(config: Fields, layers: number, routerBias: boolean): Architecture['moe'] {
  const first = config.indexOr(0, 'first_k_dense_replace');
  const every = config.countOr(1, 'moe_layer_freq');
  const kinds = config.texts('mlp_layer_types');
  const intermediate = config.count('moe_intermediate_size');
  return {
    experts: config.count('n_routed_experts', 'num_experts', 'num_local_experts'),
    topK: config.count('num_experts_per_tok'),
    intermediate,
    routerBias,
    ...sparse(config, layers, (layer) => (kinds === null ? layer >= first && layer % every === 0 : kinds[layer] === 'sparse')),
    ...shared(config.indexOr(0, 'n_shared_experts') * intermediate),
  };
}

/** DeepSeekMoE-16B and similar: dense layers first, shared experts counted in routed-expert widths. */
export const deepseek = family(['deepseek'], grouped, () => false);

/** DeepSeek-V2 (Lite). */
export const deepseekV2 = family(['deepseek_v2'], latent, (config) => config.says('topk_method', 'noaux_tc'));

/** DeepSeek-V3 and R1, Kimi-K2 and K2.5, GLM-4.7-Flash. */
export const deepseekV3 = family(['deepseek_v3', 'kimi_k2', 'kimi_k25', 'glm4_moe_lite'], latent, () => true);

/** GLM-4.5 to 4.7, and the language model of GLM-4.5V. */
export const glm4 = family(
  ['glm4_moe', 'glm4v_moe_text'],
  (config) => grouped(config, { bias: config.flag('attention_bias', false), qkNorm: config.flag('use_qk_norm', false) }),
  () => true,
  true,
);

/** ERNIE-4.5-21B-A3B and 300B-A47B. */
export const ernie: Family = {
  types: ['ernie4_5_moe'],
  read: (config) => {
    const base = decoder(config, true);
    const intermediate = config.count('moe_intermediate_size');
    const start = config.indexOr(1, 'moe_layer_start_index');
    const interval = config.countOr(1, 'moe_layer_interval');
    const end = config.numberOr(-1, 'moe_layer_end_index');
    const last = end < 0 ? base.layers - 1 : end;
    const bias = config.flag('use_bias', false);
    return {
      ...base,
      attention: grouped(config, { bias, outBias: bias }),
      moe: {
        experts: config.count('moe_num_experts'),
        topK: config.count('moe_k', 'num_experts_per_tok'),
        intermediate,
        bias,
        routerBias: true,
        ...sparse(config, base.layers, (layer) => (layer + 1) % interval === 0 && layer >= start && layer <= last),
        ...shared(config.indexOr(0, 'moe_num_shared_experts') * intermediate),
      },
      ...dense(config),
    };
  },
};

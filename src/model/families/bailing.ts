// Ling 2.0 and Ring 2.0 (Bailing): the fields of DeepSeek with grouped attention.
import { decoder, dense, type Family, grouped, shared, sparse } from './family.js';

/** Ling-mini-2.0, Ling-flash-2.0, Ling-1T and their Ring variants. */
export const bailing: Family = {
  types: ['bailing_moe_v2'],
  architectures: ['BailingMoeV2ForCausalLM'],
  read: (config) => {
    const base = decoder(config);
    const intermediate = config.count('moe_intermediate_size');
    const first = config.indexOr(0, 'first_k_dense_replace');
    return {
      ...base,
      attention: grouped(config, {
        bias: config.flag('use_qkv_bias', false),
        outBias: config.flag('use_bias', false),
        qkNorm: config.flag('use_qk_norm', true),
      }),
      moe: {
        experts: config.count('num_experts', 'n_routed_experts'),
        topK: config.count('num_experts_per_tok'),
        intermediate,
        routerBias: config.flag('moe_router_enable_expert_bias', true),
        ...sparse(config, base.layers, (layer) => layer >= first),
        ...shared(config.indexOr(0, 'num_shared_experts') * config.countOr(intermediate, 'moe_shared_expert_intermediate_size')),
      },
      ...dense(config),
      mtpLayers: config.indexOr(0, 'num_nextn_predict_layers'),
      nextLayers: config.indexOr(0, 'num_nextn_predict_layers'),
    };
  },
};

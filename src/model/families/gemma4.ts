import { UserError } from '../../base/errors.js';
import { decoder, type Family, grouped, layersOfKind, layersWhere, shared } from './family.js';

/** Default period of full-attention layers, without `layer_types`. */
const PERIOD = 6;

/**
 * Gemma-4-26B-A4B: the dense FFN of a layer counts as a shared expert. Full-attention layers are priced like sliding
 * layers (KV cache twice).
 */
export const gemma4: Family = {
  types: ['gemma4', 'gemma4_text'],
  read: (config) => {
    if (!config.flag('enable_moe_block', true))
      throw new UserError(`${config.place}: enable_moe_block: false is a model without experts; moeprof is about models that have`);
    const base = decoder(config, true);
    const at = layersOfKind(config, 'sliding_attention') ?? layersWhere(base.layers, (layer) => (layer + 1) % PERIOD !== 0);
    const size = config.countOr(1024, 'sliding_window');
    return {
      ...base,
      attention: grouped(config, { qkNorm: true, ...(at.length > 0 ? { window: { size, at } } : {}) }),
      moe: {
        experts: config.count('num_experts', 'num_local_experts'),
        topK: config.count('top_k_experts', 'num_experts_per_tok'),
        intermediate: config.count('moe_intermediate_size', 'expert_intermediate_size'),
        ...shared(config.count('intermediate_size')),
      },
    };
  },
};

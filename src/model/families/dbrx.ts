// DBRX: its configuration nests attention and FFN.
import { UserError } from '../../base/errors.js';
import { type Family, headDim, stem } from './family.js';

/** dbrx-base and instruct. */
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

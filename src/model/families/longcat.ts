// A LongCat-Flash layer has two attentions, two dense FFNs and experts in the second half: two layers of a profile.
import { UserError } from '../../base/errors.js';
import { MAX_LAYERS } from '../fields.js';
import { type Family, latent, shared, stem } from './family.js';

/** LongCat-Flash. Zero-compute choices (`zero_expert_num`) are left out: top-k is a token's maximum. */
export const longcat: Family = {
  types: ['longcat_flash'],
  architectures: ['LongcatFlashForCausalLM', 'LongcatCausalLM'],
  read: (config) => {
    const depth = config.depth('num_layers', 'num_hidden_layers');
    if (2 * depth > MAX_LAYERS) throw new UserError(`${config.place}: num_layers: must be at most ${MAX_LAYERS / 2}, not ${depth}`);
    const width = config.count('ffn_hidden_size', 'intermediate_size');
    return {
      layers: 2 * depth,
      ...stem(config, false),
      attention: latent(config),
      moe: {
        experts: config.count('n_routed_experts'),
        topK: config.count('moe_topk', 'num_experts_per_tok'),
        intermediate: config.count('expert_ffn_hidden_size', 'moe_intermediate_size'),
        routerBias: true,
        every: 2,
        ...shared(width),
      },
      dense: { intermediate: width },
    };
  },
};

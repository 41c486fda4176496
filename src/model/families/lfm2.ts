// LFM2 with experts: short convolutions in most layers, attention in the others.
import { biases, decoder, dense, elsewhere, type Family, grouped, layersOfKind, layersWhere, sparse } from './family.js';

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
    const bias = config.flag('conv_bias', false) ? 5 * hidden : 0; // of three gates in, the convolution and the way out
    // Three gates in and one matrix out; the state is the inputs that the kernel reaches back to.
    const convolution = { parameters: 4 * hidden * hidden + kernel * hidden + bias, state: (kernel - 1) * hidden };
    const first = config.indexOr(0, 'num_dense_layers');
    return {
      ...base,
      attention: grouped(config, { ...biases(config), qkNorm: true, ...elsewhere(at, 'short convolution', convolution) }),
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

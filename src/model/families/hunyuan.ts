import { UserError } from '../../base/errors.js';
import { biases, decoder, type Family, grouped, shared } from './family.js';

/** Hunyuan-A13B: experts, top-k and widths may be lists by layer. */
export const hunyuan: Family = {
  types: ['hunyuan_v1_moe'],
  architectures: ['HunYuanMoEV1ForCausalLM'],
  read: (config) => {
    const base = decoder(config);
    const refuse = (name: string, what: string): never => {
      throw new UserError(`${config.place}: ${name}: ${what} is not modelled; describe the model in a YAML profile (moeprof schema model)`);
    };
    if (config.flag('use_cla', false)) refuse('use_cla', 'a KV cache that layers share');
    const experts = config.perLayer(base.layers, 'num_experts');
    const topK = config.perLayer(base.layers, 'moe_topk');
    const widths = config.perLayer(base.layers, 'moe_intermediate_size', 'intermediate_size');
    const counts = config.has('num_shared_expert') ? config.perLayer(base.layers, 'num_shared_expert') : [1];
    if (counts.some((count) => count !== counts[0])) refuse('num_shared_expert', 'a number that differs by layer');
    const first = { experts: experts[0]!, topK: topK[0]!, intermediate: widths[0]! };
    return {
      ...base,
      attention: grouped(config, { ...biases(config), qkNorm: config.flag('use_qk_norm', true) }),
      moe: {
        ...first,
        overrides: experts.flatMap((count, layer) => {
          const shape = { experts: count, topK: topK[layer]!, intermediate: widths[layer]! };
          const same = shape.experts === first.experts && shape.topK === first.topK && shape.intermediate === first.intermediate;
          return same ? [] : [{ layers: [layer, layer] as [number, number], ...shape }];
        }),
        ...shared(counts[0]! * first.intermediate),
      },
    };
  },
};

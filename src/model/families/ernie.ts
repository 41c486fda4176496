// ERNIE 4.5: the fields of DeepSeek under other names.
import { decoder, dense, type Family, grouped, shared, sparse } from './family.js';

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

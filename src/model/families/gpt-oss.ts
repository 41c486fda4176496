// gpt-oss: biases everywhere, experts included, and a short window in every other layer.
import { biases, decoder, experts, type Family, grouped, layersOfKind, layersWhere } from './family.js';

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

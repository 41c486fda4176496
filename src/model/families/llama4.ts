import type { Fields } from '../fields.js';
import { biases, decoder, dense, experts, type Family, grouped, layersOfKind, layersWhere, shared, sparse } from './family.js';

/**
 * Llama 4 Scout and Maverick: the shared expert is as wide as a routed expert; chunked attention is priced as a window.
 */
export const llama4: Family = {
  types: ['llama4', 'llama4_text'],
  read: (config) => {
    const base = decoder(config);
    const moe = experts(config);
    const step = config.countOr(1, 'interleave_moe_layer_step');
    const listed = config.indexes('moe_layers');
    const size = config.indexOr(0, 'attention_chunk_size');
    return {
      ...base,
      attention: grouped(config, {
        ...biases(config),
        ...(size === 0 ? {} : { window: { size, at: chunkedLayers(config, base.layers) } }),
      }),
      moe: {
        ...moe,
        ...sparse(config, base.layers, (layer) => (listed === null ? (layer + 1) % step === 0 : listed.includes(layer))),
        ...shared(moe.intermediate),
      },
      ...dense(config, 'intermediate_size_mlp'),
    };
  },
};

function chunkedLayers(config: Fields, layers: number): number[] {
  const listed = layersOfKind(config, 'chunked_attention');
  if (listed !== null) return listed;
  const rotary = config.indexes('no_rope_layers') ?? [];
  const interval = config.countOr(4, 'no_rope_layer_interval');
  return layersWhere(layers, (layer) => (rotary.length > 0 ? rotary[layer] !== 0 : (layer + 1) % interval !== 0));
}

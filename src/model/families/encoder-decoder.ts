import { UserError } from '../../base/errors.js';
import { type Family, headDim, sparse, stem } from './family.js';

/** MoE layers of encoder and decoder, with separate steps and first layers. */
function inBoth(encoder: number, steps: readonly [number, number], from: (step: number) => number): (layer: number) => boolean {
  return (layer) => {
    const [step, index] = layer < encoder ? [steps[0], layer] : [steps[1], layer - encoder];
    return step > 0 && index % step === from(step);
  };
}

/** Switch Transformers: top-1, experts in every second layer of the base models. */
export const switchTransformers: Family = {
  types: ['switch_transformers'],
  read: (config) => {
    const encoder = config.depth('num_layers');
    const decoder = config.has('num_decoder_layers') ? config.depth('num_decoder_layers') : encoder;
    const step = (depth: number, moe: number): number => (moe > 0 ? Math.floor(depth / moe) : 0);
    const steps = [
      step(encoder, config.indexOr(3, 'num_sparse_encoder_layers')),
      step(decoder, config.indexOr(3, 'num_sparse_decoder_layers')),
    ] as const;
    const intermediate = config.count('d_ff');
    const heads = config.count('num_heads');
    const gated = config.text('dense_act_fn')?.startsWith('gated') || config.text('feed_forward_proj')?.startsWith('gated');
    return {
      layers: encoder + decoder,
      ...stem(config, true, 'd_model'),
      attention: { kind: 'gqa', heads, kvHeads: heads, headDim: config.count('d_kv'), crossFrom: encoder },
      moe: {
        experts: config.count('num_experts'),
        topK: 1,
        intermediate,
        matrices: gated ? 3 : 2,
        routerBias: config.flag('router_bias', false),
        ...sparse(
          config,
          encoder + decoder,
          inBoth(encoder, steps, (every) => (every === 1 ? 0 : 1)),
        ),
      },
      dense: { intermediate },
    };
  },
};

/** NLLB-MoE: top-2, experts in every fourth layer, biases everywhere. */
export const nllb: Family = {
  types: ['nllb-moe', 'nllb_moe'],
  read: (config) => {
    const encoder = config.depth('encoder_layers');
    const layers = encoder + config.depth('decoder_layers');
    const steps = [config.indexOr(4, 'encoder_sparse_step'), config.indexOr(4, 'decoder_sparse_step')] as const;
    const heads = config.count('encoder_attention_heads');
    const intermediate = config.count('encoder_ffn_dim');
    const twins = { decoder_ffn_dim: intermediate, decoder_attention_heads: heads };
    for (const [name, same] of Object.entries(twins)) {
      if (config.countOr(same, name) !== same)
        throw new UserError(`${config.place}: ${name}: differs from the encoder's ${same}, which is not modelled`);
    }
    return {
      layers,
      ...stem(config, true, 'd_model'),
      attention: { kind: 'gqa', heads, kvHeads: heads, headDim: headDim(config, heads), bias: true, outBias: true, crossFrom: encoder },
      moe: {
        experts: config.count('num_experts'),
        topK: 2,
        intermediate,
        matrices: 2,
        bias: true,
        routerBias: config.flag('router_bias', false),
        ...sparse(
          config,
          layers,
          inBoth(encoder, steps, (every) => every - 1),
        ),
      },
      dense: { intermediate },
    };
  },
};

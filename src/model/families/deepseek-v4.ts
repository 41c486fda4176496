import { UserError } from '../../base/errors.js';
import type { Fields } from '../fields.js';
import { type Architecture, decoder, type Family, shared } from './family.js';

/**
 * DeepSeek-V4: compressed keys and values, output in two steps. Layers cache an entry per 4 or 128 tokens, so a few
 * full layers represent all.
 */
export const deepseekV4: Family = {
  types: ['deepseek_v4'],
  architectures: ['DeepseekV4ForCausalLM'],
  read: (config) => {
    const base = decoder(config);
    const intermediate = config.count('moe_intermediate_size');
    return {
      ...base,
      attention: compressed(config, base.hidden, base.layers),
      moe: {
        experts: config.count('n_routed_experts'),
        topK: config.count('num_experts_per_tok'),
        intermediate,
        routerBias: true,
        ...shared(config.indexOr(0, 'n_shared_experts') * intermediate),
      },
    };
  },
};

/** Step of value widths, so that rows fill blocks of stored formats. */
const STEP = 8;

function compressed(config: Fields, hidden: number, layers: number): Architecture['attention'] {
  const heads = config.count('num_attention_heads');
  const [headDim, rope] = [config.count('head_dim'), config.count('qk_rope_head_dim')];
  const [qLora, oLora] = [config.count('q_lora_rank'), config.count('o_lora_rank')];
  const latent = headDim - rope;
  if (latent < 1) throw new UserError(`${config.place}: head_dim: must exceed qk_rope_head_dim, ${rope}`);
  const queries = hidden * qLora + qLora * heads * headDim;
  const parameters = queries + hidden * headDim + heads * headDim * oLora + config.count('o_groups') * oLora * hidden;
  // Value width that gives a full layer its number of parameters.
  const left = parameters - queries - hidden * headDim - latent * heads * latent;
  const vHead = Math.max(STEP, Math.floor(left / (heads * (latent + hidden)) / STEP) * STEP);
  return {
    kind: 'mla',
    heads,
    qLora,
    kvLora: latent,
    qkNope: latent,
    qkRope: rope,
    vHead,
    every: Math.max(1, Math.round(layers / entriesPerToken(config, layers))),
    otherwise: { kind: 'compressed attention', parameters, stateBytes: 0 },
  };
}

/** Entries per token over all layers; ratio 0: a layer with a window only. */
function entriesPerToken(config: Fields, layers: number): number {
  const ratios = config.perLayer(layers, 'compress_ratios');
  return ratios.reduce((sum, ratio) => sum + (ratio > 0 ? 1 / ratio : 0), 0) || 1;
}

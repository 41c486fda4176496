// Mixtral, and the families that took over its fields: every layer has experts of width `intermediate_size`.
import { biases, decoder, experts, type Family, grouped, window } from './family.js';

/** Mixtral 8x7B, 8x22B. */
export const mixtral: Family = {
  types: ['mixtral'],
  read: (config) => ({ ...decoder(config), attention: grouped(config, window(config)), moe: experts(config) }),
};

/** Phi-3.5-MoE. */
export const phimoe: Family = {
  types: ['phimoe'],
  architectures: ['PhiMoEForCausalLM', 'PhimoeForCausalLM'],
  read: (config) => ({
    ...decoder(config),
    attention: grouped(config, { ...biases(config), ...window(config) }),
    moe: experts(config),
  }),
};

/** OLMoE. */
export const olmoe: Family = {
  types: ['olmoe'],
  read: (config) => ({ ...decoder(config), attention: grouped(config, { ...biases(config), qkNorm: 'full' }), moe: experts(config) }),
};

/** MiniMax-M2 and M2.5. */
export const minimaxM2: Family = {
  types: ['minimax_m2'],
  read: (config) => ({
    ...decoder(config),
    attention: grouped(config, { qkNorm: config.flag('use_qk_norm', true) ? 'full' : false }),
    moe: { ...experts(config), routerBias: config.flag('use_routing_bias', true) },
  }),
};

/** Grok-1, and Grok-2, which runs a dense FFN beside experts that have a width of their own. */
export const grok: Family = {
  types: ['grok-1', 'grok1', 'grok'],
  architectures: ['Grok1ForCausalLM', 'Grok1ModelForCausalLM'],
  read: (config) => {
    const residual = config.flag('residual_moe', false);
    const moe = experts(config);
    return {
      ...decoder(config, !residual),
      attention: grouped(config),
      moe: {
        ...moe,
        intermediate: config.countOr(moe.intermediate, 'moe_intermediate_size'),
        ...(residual ? { shared: { intermediate: moe.intermediate } } : {}),
      },
    };
  },
};

import { UserError } from '../../base/errors.js';
import { byName } from '../../base/objects.js';
import { type Fields, MAX_LAYERS } from '../fields.js';
import { type Mixer, mamba2 } from '../mixers.js';
import type { Architecture, Family } from './family.js';
import { biases, grouped, layersWhere, mixerLayers, shared, sparse, stem } from './family.js';

/** Letters of `hybrid_override_pattern` by the words of `layers_block_type`. */
const LETTERS = byName<string>({ mamba: 'M', attention: '*', moe: 'E', mlp: '-' });

/** Nemotron-3-Nano and Super (Nemotron-H with experts): a layer is either a mixer or an FFN. */
export const nemotron: Family = {
  types: ['nemotron_h'],
  architectures: ['NemotronHForCausalLM'],
  read: (config) => {
    const kinds = kindsOf(config);
    const base = { layers: kinds.length, single: true, ...stem(config, false) };
    return {
      ...base,
      attention: grouped(config, {
        ...biases(config),
        ...mixerLayers(
          layersWhere(kinds.length, (layer) => kinds[layer] === '*'),
          'mamba2',
          mixer(config, base.hidden),
        ),
      }),
      moe: { ...expertsOf(config), ...sparse(config, kinds.length, (layer) => kinds[layer] === 'E') },
    };
  },
};

function kindsOf(config: Fields): readonly string[] {
  const words = config.texts('layers_block_type');
  const letters = words?.map((word) => LETTERS[word] ?? word) ?? [...(config.text('hybrid_override_pattern') ?? '')];
  if (letters.length === 0)
    throw new UserError(`${config.place}: hybrid_override_pattern: is missing; expected a letter per layer, e.g. MEM*E`);
  if (letters.length > MAX_LAYERS) throw new UserError(`${config.place}: hybrid_override_pattern: must have at most ${MAX_LAYERS} layers`);
  const unknown = letters.find((letter) => !['M', '*', 'E'].includes(letter));
  if (unknown === undefined) return letters;
  const what = unknown === '-' ? 'a dense FFN' : `a layer of kind ${JSON.stringify(unknown.slice(0, 20))}`;
  throw new UserError(`${config.place}: hybrid_override_pattern: ${what} is not modelled; take a YAML profile (moeprof schema model)`);
}

function expertsOf(config: Fields): Architecture['moe'] {
  const intermediate = config.count('moe_intermediate_size');
  const latent = config.indexOr(0, 'moe_latent_size');
  const width = config.indexOr(0, 'n_shared_experts') * config.indexOr(intermediate, 'moe_shared_expert_intermediate_size');
  return {
    experts: config.count('n_routed_experts', 'num_experts'),
    topK: config.count('num_experts_per_tok'),
    intermediate,
    matrices: 2,
    routerBias: true,
    ...shared(width),
    ...(latent > 0 ? { latent } : {}),
  };
}

function mixer(config: Fields, hidden: number): Mixer {
  const heads = config.countOr(128, 'mamba_num_heads');
  return mamba2(hidden, {
    heads,
    inner: heads * config.countOr(64, 'mamba_head_dim'),
    state: config.countOr(128, 'ssm_state_size'),
    kernel: config.countOr(4, 'conv_kernel'),
    groups: config.countOr(8, 'n_groups'),
    convolutionBias: config.flag('use_conv_bias', true),
    projectionBias: config.flag('mamba_proj_bias', false),
  });
}

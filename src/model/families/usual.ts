// Models with the usual config.json fields, known and unknown.
import { UserError } from '../../base/errors.js';
import { quoted } from '../../base/text.js';
import type { Fields } from '../fields.js';
import { type Architecture, dense, type Family, grouped, latent, layersOfKind, shared, sparse, window } from './family.js';

/** Field names in public configurations. */
const EXPERTS = ['num_experts', 'n_routed_experts', 'num_local_experts', 'moe_num_experts', 'num_routed_experts', 'num_moe_experts'];
const TOP_K = [
  'num_experts_per_tok',
  'num_experts_per_token',
  'experts_per_token',
  'moe_topk',
  'moe_top_k',
  'top_k_experts',
  'moe_k',
  'num_selected_experts',
] as const;
const WIDTH = ['moe_intermediate_size', 'expert_ffn_hidden_size', 'moe_ffn_hidden_size', 'expert_intermediate_size'] as const;
const DENSE_FIRST = ['first_k_dense_replace', 'num_dense_layers', 'moe_layer_start_index'] as const;
const STEP = ['moe_layer_freq', 'decoder_sparse_step', 'moe_layer_interval', 'interleave_moe_layer_step'] as const;
const SHARED_WIDTH = [
  'shared_expert_intermediate_size',
  'moe_shared_expert_intermediate_size',
  'shared_intermediate_size',
  'share_expert_dim',
] as const;
const SHARED_COUNT = ['n_shared_experts', 'num_shared_experts', 'moe_num_shared_experts', 'num_shared_expert'] as const;

const ATTENTION = /^(full|sliding|chunked|global|local)?_?attention$/;
/** Layer kinds without a mixer. */
const NO_MIXER = /^(moe|mlp)$/;

/** True if the configuration has routed experts under a usual name. */
export const looksUsual = (config: Fields): boolean => EXPERTS.some((name) => config.has(name));

/** Ling-mini-2.0, Ling-flash-2.0, Ling-1T and Ring variants. */
export const bailing: Family = {
  types: ['bailing_moe_v2'],
  architectures: ['BailingMoeV2ForCausalLM'],
  read: (config) => ({
    ...read(config, { qkNorm: true, routerBias: 'moe_router_enable_expert_bias' }),
    nextLayers: config.indexOr(0, 'num_nextn_predict_layers'),
  }),
};

/** Step-3.5-Flash and the language model of Step-3.7-Flash. The head gate (0.01 % of the weights) is left out. */
export const step: Family = {
  types: ['step3p5'],
  architectures: ['Step3p5ForCausalLM'],
  read: (config) => read(config, { qkNorm: true, routerBias: 'use_moe_router_bias' }),
};

/** Trinity: an output gate in each layer. */
export const afmoe: Family = {
  types: ['afmoe'],
  architectures: ['AfmoeForCausalLM'],
  read: (config) => {
    const { attention, moe, ...others } = read(config, { qkNorm: true, routerBias: null });
    return { ...others, attention: { ...attention, gate: true }, moe: { ...moe, routerBias: true } };
  },
};

/** @param type model type, for the note @throws UserError for a missing or malformed field */
export function readUsual(config: Fields, type: string): Architecture {
  const architecture = read(config, { qkNorm: false, routerBias: null });
  return { ...architecture, note: noteOf(config, type, architecture.moe) };
}

/** @param habits defaults: norm of queries and keys; field of the router bias, true by default */
function read(config: Fields, habits: { readonly qkNorm: boolean; readonly routerBias: string | null }): Architecture {
  const layers = config.depth('num_hidden_layers', 'num_layers', 'n_layers', 'n_layer');
  const hidden = config.count('hidden_size', 'd_model', 'n_embd');
  const intermediate = config.has('moe_intermediate_size')
    ? config.perLayer(layers, 'moe_intermediate_size')[layers - 1]!
    : config.count(...WIDTH, 'intermediate_size');
  const moe = {
    experts: config.perLayer(layers, ...EXPERTS)[layers - 1]!,
    topK: config.perLayer(layers, ...TOP_K)[layers - 1]!,
    intermediate,
    routerBias: habits.routerBias !== null && config.flag(habits.routerBias, true),
    ...sparse(config, layers, layersWithExperts(config, layers)),
    ...sharedOf(config, intermediate),
  };
  return {
    layers,
    hidden,
    vocab: config.count('vocab_size'),
    tiedEmbeddings: config.flag('tie_word_embeddings', false),
    attention: attentionOf(config, habits.qkNorm),
    moe,
    ...dense(config),
  };
}

function layersWithExperts(config: Fields, layers: number): (layer: number) => boolean {
  const numbers = config.indexes('moe_layers_enum');
  if (numbers !== null) return (layer) => numbers.includes(layer);
  const kinds = config.texts('mlp_layer_types');
  if (kinds !== null) return (layer) => kinds[layer] !== 'dense';
  const listed = STEP.find((name) => config.flags(name) !== null);
  if (listed !== undefined) {
    const flags = config.flags(listed)!;
    return (layer) => flags[layer] === true;
  }
  const first = config.indexOr(0, ...DENSE_FIRST);
  const step = config.countOr(1, ...STEP);
  const denseOnly = new Set(config.indexes('mlp_only_layers') ?? []);
  // Steps count from the end of a period, as in Qwen and ERNIE.
  return (layer) => layer >= first && (layer + 1) % Math.min(step, layers) === 0 && !denseOnly.has(layer);
}

function sharedOf(config: Fields, intermediate: number): ReturnType<typeof shared> {
  const width = config.indexOr(0, ...SHARED_WIDTH);
  const count = SHARED_COUNT.some((name) => config.has(name)) ? config.indexOr(0, ...SHARED_COUNT) : width > 0 ? 1 : 0;
  return shared(count * (width > 0 ? width : intermediate));
}

function attentionOf(config: Fields, qkNormed: boolean): Architecture['attention'] {
  if (config.has('kv_lora_rank')) return latent(config);
  const qkNorm = config.flag('use_qk_norm', config.flag('qk_norm', qkNormed));
  const bias = config.flag('attention_bias', config.flag('use_qkv_bias', false));
  const values = config.has('v_head_dim') ? { valueDim: config.count('v_head_dim') } : {};
  const attention = grouped(config, { bias, qkNorm, outBias: config.flag('use_bias', false), ...values });
  const windowed = config.flag('use_sliding_window', true) ? window(config).window : undefined;
  const at = layersOfKind(config, 'sliding_attention') ?? config.flags('hybrid_layer_pattern')?.flatMap((is, layer) => (is ? [layer] : []));
  if (windowed === undefined || at?.length === 0) return attention;
  const other = config.object('attention_other_setting');
  if ((other?.countOr(attention.kvHeads, 'num_attention_groups') ?? attention.kvHeads) !== attention.kvHeads)
    throw new UserError(`${other!.place}: num_attention_groups: must be ${attention.kvHeads}, as in layers without a window`);
  const kvHeads = config.has('swa_num_key_value_heads') ? config.count('swa_num_key_value_heads') : undefined;
  return { ...attention, window: { ...windowed, at, heads: other?.count('num_attention_heads') ?? headsAt(config, at), kvHeads } };
}

/** @throws UserError if they differ */
function headsAt(config: Fields, at: readonly number[] = []): number | undefined {
  if (config.has('swa_num_attention_heads')) return config.count('swa_num_attention_heads');
  const [first = 0] = at;
  if (!config.has('num_attention_heads_per_layer')) return undefined;
  const heads = config.perLayer(Math.max(...at, 0) + 1, 'num_attention_heads_per_layer');
  const odd = at.find((layer) => heads[layer] !== heads[first]);
  if (odd === undefined) return heads[first];
  throw new UserError(
    `${config.place}: num_attention_heads_per_layer: must be ${heads[first]} in layer ${odd}, as in others with a window`,
  );
}

function noteOf(config: Fields, type: string, { experts, topK, intermediate }: Architecture['moe']): string {
  const kinds = new Set([...(config.texts('layer_types') ?? []), ...(config.texts('layers_block_type') ?? [])]);
  const others = [...kinds].filter((kind) => !ATTENTION.test(kind) && !NO_MIXER.test(kind)).map(quoted);
  const taken = others.length === 0 ? '' : ` Layers of kind ${others.slice(0, 3).join(', ')} are taken for attention.`;
  return (
    `${config.place}: model_type ${quoted(type)} is of no known family; read by the usual fields: ${topK} of ${experts} ` +
    `experts of width ${intermediate}.${taken} Compare its parameters with those published (moeprof model inspect), or describe it in a ` +
    'YAML profile (moeprof schema model).'
  );
}

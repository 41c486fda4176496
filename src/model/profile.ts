// A model profile: the architecture as a person would read it off a config.json. Sizes, bytes and operations are derived from it
// (build.ts) and never written down, so that a profile cannot contradict itself.
import { z } from 'zod';
import { findProfile } from '../base/profiles.js';
import { known } from '../base/written.js';
import { type Override, readYaml } from '../base/yaml.js';
import { MAX_EXPERTS, MAX_LAYERS } from './limits.js';
import { findQuantization } from './quantization.js';

const count = z.int().positive().max(1e12);
const index = z.int().nonnegative();

/** Where attention stands, where it does not in every layer (hybrids with state-space or linear-attention layers). */
const placement = {
  /** Attention in layers `offset`, `offset + every`, ... */
  every: count.default(1),
  offset: index.default(0),
  /** Attention in these layers instead, where they follow no period. */
  layers: z.array(index).max(MAX_LAYERS).optional(),
  /** Mixer of the other layers: parameters of one, read once per pass; its state does not grow with the context. */
  otherwise: z.strictObject({ kind: z.string(), parameters: count }).optional(),
};

const GroupedQuery = z.strictObject({
  kind: z.literal('gqa'),
  heads: count,
  kvHeads: count,
  headDim: count,
  /** Bias of the query, key and value projections, and of the output projection. */
  bias: z.boolean().default(false),
  outBias: z.boolean().default(false),
  /** Norm of queries and keys, one scale vector per layer: as wide as a head, or (`full`) as all heads together. */
  qkNorm: z.union([z.boolean(), z.literal('full')]).default(false),
  /** Output gate: the query projection is twice as wide. */
  gate: z.boolean().default(false),
  /** Sliding window of `size` tokens in the first `layers` of every `of` layers, or in the layers listed in `at`. */
  window: z
    .strictObject({ size: count, layers: count.default(1), of: count.default(1), at: z.array(index).max(MAX_LAYERS).optional() })
    .optional(),
  /** Encoder-decoder: layers from here on have a second, cross-attention block. */
  crossFrom: index.optional(),
  ...placement,
});

const Latent = z.strictObject({
  kind: z.literal('mla'),
  heads: count,
  /** Rank of the query compression; 0: queries are projected directly. */
  qLora: index,
  kvLora: count,
  qkNope: count,
  qkRope: count,
  vHead: count,
  ...placement,
});

const LayerShape = z.strictObject({
  /** First and last decoder layer, both included. */
  layers: z.tuple([index, index]),
  experts: count.max(MAX_EXPERTS).optional(),
  topK: count.optional(),
  intermediate: count.optional(),
});

/** Schema of `profiles/models/*.yaml`. */
export const ModelProfileSchema = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .regex(/^\P{Cc}*$/u, 'must not have line breaks or other control characters'),
    /** Decoder layers (encoder and decoder together, where there are both). */
    layers: count.max(MAX_LAYERS),
    hidden: count,
    vocab: count,
    tiedEmbeddings: z.boolean().default(false),
    attention: z.discriminatedUnion('kind', [GroupedQuery, Latent]),
    moe: z.strictObject({
      experts: count.max(MAX_EXPERTS),
      topK: count,
      /** Width of one routed expert. */
      intermediate: count,
      /** Weight matrices of an FFN: 3 with a gate (SwiGLU), 2 without. */
      matrices: z.union([z.literal(2), z.literal(3)]).default(3),
      /** Biases in the experts, and in the router. */
      bias: z.boolean().default(false),
      routerBias: z.boolean().default(false),
      /** First MoE layer, and every how many layers another follows. The layers between are dense. */
      first: index.default(0),
      every: count.default(1),
      /** Layers that are dense although `first` and `every` say otherwise. */
      except: z.array(index).max(MAX_LAYERS).optional(),
      /** Shared experts, as one FFN of their summed width; `gated`: with a gate of its own. */
      shared: z.strictObject({ intermediate: count, gated: z.boolean().default(false) }).optional(),
      /**
       * Several routed modules in each of these layers, in order of execution, where there is not just one FFN: attention and MLP experts,
       * large and small ones, adapters. Each becomes an MoE layer; all dense work of the decoder layer runs before the first of them.
       */
      modules: z
        .array(
          z.strictObject({
            name: z.string().min(1),
            experts: count.max(MAX_EXPERTS).optional(),
            topK: count.optional(),
            /** Width of one expert, where it is an FFN. */
            intermediate: count.optional(),
            /** Weights of one expert, where it is something else. */
            parameters: count.optional(),
            /** Dense part that the module stands for; absent: the FFN where it is one, else nothing. The FFN that nothing replaces is dense. */
            replaces: z.enum(['attention', 'ffn', 'nothing']).optional(),
          }),
        )
        .min(1)
        .max(16)
        .optional(),
      /** True: an expert is a whole model of this architecture, embeddings and head included, and a token is routed once. */
      whole: z.boolean().default(false),
      /** Layers whose experts differ. */
      overrides: z.array(LayerShape).max(MAX_LAYERS).optional(),
    }),
    /** FFN of the dense layers. */
    dense: z.strictObject({ intermediate: count }).optional(),
    /** Format that the model is priced in unless the run names another. */
    quantization: z.string().superRefine(known(findQuantization)).default('bf16'),
    /** Parameters as the publisher states them, in whole numbers. */
    published: z.strictObject({ total: z.number().positive(), active: z.number().positive().optional(), source: z.string() }).optional(),
    /** How the model routes, for the synthetic generator, which defines and checks the fields. */
    routing: z.record(z.string(), z.unknown()).optional(),
  })
  .superRefine((profile, context) => {
    const { moe, attention } = profile;
    const refuse = (path: (string | number)[], message: string): void => context.addIssue({ code: 'custom', path, message });
    if (moe.topK > moe.experts) refuse(['moe', 'topK'], `a token cannot choose ${moe.topK} of ${moe.experts} experts`);
    if (moe.first >= profile.layers) refuse(['moe', 'first'], `must be less than the number of layers, ${profile.layers}`);
    const dense = Array.from({ length: Math.min(profile.layers, MAX_LAYERS) }, (_, layer) => layer).filter((layer) => !isMoe(moe, layer));
    if (dense.length === profile.layers && moe.first < profile.layers) refuse(['moe', 'except'], 'leaves no layer with experts');
    if (dense.length > 0 && profile.dense === undefined) refuse([], 'has dense layers; add dense: { intermediate: ... }');
    if (attention.kind === 'gqa' && attention.heads % attention.kvHeads !== 0)
      refuse(['attention', 'kvHeads'], `must divide the number of heads, ${attention.heads}`);
    for (const [i, module] of (moe.modules ?? []).entries()) {
      const [topK, experts] = [module.topK ?? moe.topK, module.experts ?? moe.experts];
      if (topK > experts) refuse(['moe', 'modules', i, 'topK'], `a token cannot choose ${topK} of ${experts} experts`);
      if (module.intermediate !== undefined && module.parameters !== undefined)
        refuse(['moe', 'modules', i], 'an expert is an FFN of a width, or so many parameters of something else; give one of the two');
    }
    const mixed = moe.modules ?? moe.shared ?? moe.overrides ?? moe.except ?? profile.dense;
    if (moe.whole && (mixed !== undefined || moe.first > 0 || moe.every > 1))
      refuse(
        ['moe', 'whole'],
        'a whole model per expert has the same layers throughout; leave modules, shared, overrides and dense layers out',
      );
    for (const [i, override] of (moe.overrides ?? []).entries()) {
      const [from, to] = override.layers;
      if (from > to || to >= profile.layers)
        refuse(['moe', 'overrides', i, 'layers'], `must be [first, last] within 0..${profile.layers - 1}`);
      if ((override.topK ?? moe.topK) > (override.experts ?? moe.experts)) refuse(['moe', 'overrides', i], 'topK must not exceed experts');
    }
  });

/** A model profile as it is written, defaults left out. */
export type ModelProfileInput = z.input<typeof ModelProfileSchema>;

/** A checked model profile. */
export type ModelProfile = z.infer<typeof ModelProfileSchema>;

/**
 * Reads a model profile.
 * @param nameOrPath name of a bundled profile, or path of a YAML file, relative to `relativeTo`
 * @throws UserError where there is no such profile, or it is not well-formed
 */
export function loadModelProfile(nameOrPath: string, relativeTo?: string, overrides: readonly Override[] = []): ModelProfile {
  return readYaml(findProfile('models', nameOrPath, relativeTo), ModelProfileSchema, overrides);
}

/** True where decoder layer `layer` has experts. */
export function isMoeLayer(profile: ModelProfile, layer: number): boolean {
  return isMoe(profile.moe, layer);
}

function isMoe(moe: { first: number; every: number; except?: number[] | undefined }, layer: number): boolean {
  return layer >= moe.first && (layer - moe.first) % moe.every === 0 && moe.except?.includes(layer) !== true;
}

/** True where decoder layer `layer` has attention rather than another mixer. */
export function hasAttention({ attention }: ModelProfile, layer: number): boolean {
  if (attention.layers !== undefined) return attention.layers.includes(layer);
  return layer % attention.every === attention.offset % attention.every;
}

/** Sliding window of decoder layer `layer` in tokens, or null. */
export function windowOf({ attention }: ModelProfile, layer: number): number | null {
  if (attention.kind !== 'gqa' || attention.window === undefined) return null;
  const { size, layers, of, at } = attention.window;
  return (at === undefined ? layer % of < layers : at.includes(layer)) ? size : null;
}

/** A routed module of a decoder layer. */
export interface RoutedModule {
  readonly experts: number;
  readonly topK: number;
  /** Width of one expert as an FFN; null where it is something else, of so many {@link parameters}. */
  readonly intermediate: number | null;
  readonly parameters: number;
  readonly replaces: 'attention' | 'ffn' | 'nothing';
}

/** Routed modules of a decoder layer that has experts: its FFN, unless the profile lists others. */
export function modulesOf(profile: ModelProfile, layer: number): readonly RoutedModule[] {
  const { experts, topK, intermediate } = expertsOf(profile, layer);
  const modules: NonNullable<ModelProfile['moe']['modules']> = profile.moe.modules ?? [{ name: 'ffn' }];
  return modules.map((module) => ({
    experts: module.experts ?? experts,
    topK: module.topK ?? topK,
    intermediate: module.parameters === undefined ? (module.intermediate ?? intermediate) : null,
    parameters: module.parameters ?? 0,
    replaces: module.replaces ?? (module.parameters === undefined ? 'ffn' : 'nothing'),
  }));
}

/** Experts, top-k and expert width of a decoder layer, overrides applied (the last one that names the layer counts). */
export function expertsOf(profile: ModelProfile, layer: number): { experts: number; topK: number; intermediate: number } {
  const shape = { experts: profile.moe.experts, topK: profile.moe.topK, intermediate: profile.moe.intermediate };
  for (const { layers, experts, topK, intermediate } of profile.moe.overrides ?? []) {
    if (layer < layers[0] || layer > layers[1]) continue;
    shape.experts = experts ?? shape.experts;
    shape.topK = topK ?? shape.topK;
    shape.intermediate = intermediate ?? shape.intermediate;
  }
  return shape;
}

import { z } from 'zod';
import { issueOf } from '../base/written.js';
import { MAX_EXPERTS, MAX_LAYERS } from './fields.js';
import { findQuantization } from './quantization/index.js';

const count = z.int().positive().max(1e12);
const index = z.int().nonnegative();

const placement = {
  every: count.default(1),
  offset: index.default(0),
  layers: z.array(index).max(MAX_LAYERS).optional(),
  otherwise: z.strictObject({ kind: z.string(), parameters: count, stateBytes: index.optional() }).optional(),
};

const GroupedQuery = z.strictObject({
  kind: z.literal('gqa'),
  heads: count,
  kvHeads: count,
  headDim: count,
  bias: z.boolean().default(false),
  outBias: z.boolean().default(false),
  qkNorm: z.union([z.boolean(), z.literal('full')]).default(false),
  gate: z.boolean().default(false),
  window: z
    .strictObject({
      size: count,
      layers: count.default(1),
      of: count.default(1),
      at: z.array(index).max(MAX_LAYERS).optional(),
      heads: count.optional(),
    })
    .optional(),
  crossFrom: index.optional(),
  ...placement,
});

const Latent = z.strictObject({
  kind: z.literal('mla'),
  heads: count,
  qLora: index,
  kvLora: count,
  qkNope: count,
  qkRope: z.int().nonnegative(),
  vHead: count,
  unpackedTwice: z.boolean().default(false),
  ...placement,
});

const LayerShape = z.strictObject({
  layers: z.tuple([index, index]),
  experts: count.max(MAX_EXPERTS).optional(),
  topK: count.optional(),
  intermediate: count.optional(),
});

/** Schema of a publisher's model description, possibly with an unpriced checkpoint format. */
export const ConfigProfileSchema = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .regex(/^\P{Cc}*$/u, 'must not have line breaks or other control characters'),
    hub: z.array(z.string().regex(/^[\w.-]{1,96}$/, 'expected the name of a repository without its owner')).optional(),
    layers: count.max(MAX_LAYERS),
    single: z.boolean().default(false),
    hidden: count,
    vocab: count,
    tiedEmbeddings: z.boolean().default(false),
    attention: z.discriminatedUnion('kind', [GroupedQuery, Latent]),
    moe: z.strictObject({
      experts: count.max(MAX_EXPERTS),
      topK: count,
      intermediate: count,
      matrices: z.union([z.literal(2), z.literal(3)]).default(3),
      bias: z.boolean().default(false),
      routerBias: z.boolean().default(false),
      first: index.default(0),
      every: count.default(1),
      except: z.array(index).max(MAX_LAYERS).optional(),
      shared: z.strictObject({ intermediate: count, gated: z.boolean().default(false) }).optional(),
      modules: z
        .array(
          z.strictObject({
            name: z.string().min(1),
            experts: count.max(MAX_EXPERTS).optional(),
            topK: count.optional(),
            intermediate: count.optional(),
            parameters: count.optional(),
            replaces: z.enum(['attention', 'ffn', 'nothing']).optional(),
          }),
        )
        .min(1)
        .max(16)
        .optional(),
      whole: z.boolean().default(false),
      overrides: z.array(LayerShape).max(MAX_LAYERS).optional(),
    }),
    dense: z.strictObject({ intermediate: count }).optional(),
    mtpLayers: index.default(0),
    nextLayers: index.default(0),
    quantization: z.string().default('bf16'),
    published: z
      .strictObject({
        total: z.number().positive(),
        active: z.number().positive().optional(),
        tables: z.union([z.literal(0), z.literal(1), z.literal(2)]).default(1),
        source: z.string(),
      })
      .optional(),
    trainedContext: count.optional(),
    offered: z.boolean().default(true),
    routing: z.record(z.string(), z.unknown()).optional(),
    note: z.string().min(1).max(1000).optional(),
  })
  .superRefine((profile, context) => {
    const { moe, attention } = profile;
    const refuse = (path: (string | number)[], message: string): void => context.addIssue({ code: 'custom', path, message });
    if (moe.topK > moe.experts) refuse(['moe', 'topK'], `a token cannot choose ${moe.topK} of ${moe.experts} experts`);
    if (moe.first >= profile.layers) refuse(['moe', 'first'], `must be less than the number of layers, ${profile.layers}`);
    const dense = Array.from({ length: Math.min(profile.layers, MAX_LAYERS) }, (_, layer) => layer).filter(
      (layer) => !isMoeLayer(profile, layer),
    );
    if (dense.length === profile.layers && moe.first < profile.layers) refuse(['moe', 'except'], 'leaves no layer with experts');
    if (dense.length > 0 && profile.dense === undefined && !profile.single)
      refuse([], 'has dense layers; add dense: { intermediate: ... }');
    const widths = attention.kind === 'gqa' ? [attention.heads, attention.window?.heads ?? 0] : [];
    const odd = widths.find((heads) => attention.kind === 'gqa' && heads % attention.kvHeads !== 0);
    if (odd !== undefined) refuse(['attention', 'kvHeads'], `must divide the number of heads, ${odd}`);
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

/** Schema of `profiles/models/*.yaml`. */
export const ModelProfileSchema = ConfigProfileSchema.superRefine(({ quantization }, context) =>
  issueOf(context, ['quantization'], () => void findQuantization(quantization)),
);

/** A model profile as written, without defaults. */
export type ModelProfileInput = z.input<typeof ModelProfileSchema>;

/** A model profile, as in config.json. Sizes, bytes and operations are derived (build.ts). */
export type ModelProfile = z.infer<typeof ModelProfileSchema>;

/** True if a decoder layer has experts. */
export const isMoeLayer = ({ moe }: { moe: { first: number; every: number; except?: number[] | undefined } }, layer: number): boolean =>
  layer >= moe.first && (layer - moe.first) % moe.every === 0 && moe.except?.includes(layer) !== true;

/** True if a decoder layer has attention rather than a different mixer. */
export function hasAttention({ attention }: ModelProfile, layer: number): boolean {
  if (attention.layers !== undefined) return attention.layers.includes(layer);
  return layer % attention.every === attention.offset % attention.every;
}

/** Attention blocks of a decoder layer: 2 with cross-attention. */
export const attentionBlocks = (attention: ModelProfile['attention'], layer: number): number =>
  attention.kind === 'gqa' && attention.crossFrom !== undefined && layer >= attention.crossFrom ? 2 : 1;

/** Sliding window of a decoder layer, tokens; null: none. */
export function windowOf({ attention }: ModelProfile, layer: number): number | null {
  if (attention.kind !== 'gqa' || attention.window === undefined) return null;
  const { size, layers, of, at } = attention.window;
  return (at === undefined ? layer % of < layers : at.includes(layer)) ? size : null;
}

/** Query heads of a decoder layer. */
export function headsOf(profile: ModelProfile, layer: number): number {
  const { attention } = profile;
  return (attention.kind === 'gqa' && windowOf(profile, layer) !== null ? attention.window?.heads : undefined) ?? attention.heads;
}

interface RoutedModule {
  readonly experts: number;
  readonly topK: number;
  /** FFN width of an expert; null: a non-FFN expert of {@link parameters}. */
  readonly intermediate: number | null;
  readonly parameters: number;
  readonly replaces: 'attention' | 'ffn' | 'nothing';
}

/** Routed modules of an MoE decoder layer: by default the FFN. */
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

/** Experts, top-k and expert width of a decoder layer; the last matching override wins. */
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

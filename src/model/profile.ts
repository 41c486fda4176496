import { z } from 'zod';
import { definedFields } from '../base/objects.js';
import { issueOf } from '../base/written.js';
import { MAX_EXPERTS, MAX_LAYERS } from './fields.js';
import { findQuantization } from './quantization/index.js';

const count = z.int().positive().max(1e12);
const index = z.int().nonnegative();
const off = z.boolean().default(false);
const word = z.string().min(1);

const placement = {
  every: count.default(1).describe('Attention in every so many layers; the others have another mixer.'),
  offset: index.default(0).describe('First layer with attention.'),
  layers: z.array(index).max(MAX_LAYERS).optional().describe('Layers with attention, instead of a period.'),
  otherwise: z
    .strictObject({
      kind: z.string().describe('What it is, e.g. mamba.'),
      parameters: count.describe('Parameters of one.'),
      stateBytes: index.optional().describe('Bytes of one layer that a sequence keeps instead of keys and values.'),
    })
    .optional()
    .describe('Mixer of the other layers.'),
};

const GroupedQuery = z.strictObject({
  kind: z.literal('gqa').describe('gqa: heads with grouped keys and values. mla: latent attention.'),
  heads: count.describe('Query heads.'),
  kvHeads: count.describe('Key and value heads.'),
  headDim: count.describe('Width of one head.'),
  valueDim: count.optional().describe('Width of one value head. Absent: as of keys.'),
  queryRank: count
    .optional()
    .describe('Rank of the query compression (multi-matrix factorization). Absent: queries are projected directly.'),
  bias: off.describe('Bias of the query, key and value projections.'),
  outBias: off.describe('Bias of the output projection.'),
  qkNorm: z
    .union([z.boolean(), z.literal('full')])
    .default(false)
    .describe('Norm of queries and keys: one head wide, or full for all heads together.'),
  gate: off.describe('Output gate: the query projection is twice as wide.'),
  window: z
    .strictObject({
      size: count.describe('Tokens of the window.'),
      layers: count.default(1).describe('The first so many layers of every `of` layers have it.'),
      of: count.default(1).describe('Period of windowed layers.'),
      at: z.array(index).max(MAX_LAYERS).optional().describe('Layers with a window, instead of a period.'),
      heads: count.optional().describe('Query heads of layers with a window. Absent: as of the others.'),
      kvHeads: count.optional().describe('Key and value heads of layers with a window. Absent: as of the others.'),
    })
    .optional()
    .describe('Sliding window in some layers.'),
  crossFrom: index.optional().describe('Encoder-decoder: layers from here on have a cross-attention block too.'),
  ...placement,
});

const Latent = z.strictObject({
  kind: z.literal('mla').describe('gqa: heads with grouped keys and values. mla: latent attention.'),
  heads: count.describe('Query heads.'),
  qLora: index.describe('Rank of the query compression; 0: queries are projected directly.'),
  kvLora: count.describe('Rank of the key and value compression.'),
  qkNope: count.describe('Width of a head without rotary embedding.'),
  qkRope: z.int().nonnegative().describe('Width of a head with rotary embedding.'),
  vHead: count.describe('Width of a value head.'),
  gate: off.describe('Output gate, as wide as all value heads.'),
  unpackedTwice: off.describe('The file has the matrix that unpacks the latent twice: whole, and in parts for keys and values.'),
  ...placement,
});

const LayerShape = z.strictObject({
  layers: z.tuple([index, index]).describe('First and last layer, both included.'),
  experts: count.max(MAX_EXPERTS).optional().describe('Routed experts there.'),
  topK: count.optional().describe('Experts that a token chooses there.'),
  intermediate: count.optional().describe('Width of one expert there.'),
});

/** Schema of a publisher's model description, possibly with an unpriced checkpoint format. */
export const ConfigProfileSchema = z
  .strictObject({
    name: word.regex(/^\P{Cc}*$/u, 'must not have line breaks or other control characters').describe('Name, as reports show it.'),
    hub: z
      .array(z.string().regex(/^[\w.-]{1,96}$/, 'expected the name of a repository without its owner'))
      .optional()
      .describe('Repositories of the hub that hold these sizes under another name, without owners and endings such as -Instruct-2507-FP8.'),
    layers: count
      .max(MAX_LAYERS)
      .describe('Decoder layers (encoder and decoder together, where there are both), as a GGUF file numbers them.'),
    single: off.describe('A layer is a mixer or an FFN, not both (Nemotron-H): layers with experts have no mixer, the others no FFN.'),
    hidden: count.describe('Width of the residual stream.'),
    vocab: count.describe('Entries of the vocabulary.'),
    tiedEmbeddings: off.describe('Embedding and head share their weights.'),
    attention: z.discriminatedUnion('kind', [GroupedQuery, Latent]).describe('Shape of attention.'),
    moe: z
      .strictObject({
        experts: count.max(MAX_EXPERTS).describe('Routed experts of a layer.'),
        topK: count.describe('Experts that a token chooses.'),
        intermediate: count.describe('Width of one routed expert.'),
        matrices: z
          .union([z.literal(2), z.literal(3)])
          .default(3)
          .describe('Weight matrices of an expert: 3 with a gate (SwiGLU), 2 without.'),
        latent: count.optional().describe('Width that experts work in, behind one projection into it and one back. Absent: `hidden`.'),
        bias: off.describe('Biases in the experts.'),
        routerBias: off.describe('Bias of the router.'),
        first: index.default(0).describe('First layer with experts; those before are dense.'),
        every: count.default(1).describe('Experts in every so many layers.'),
        except: z.array(index).max(MAX_LAYERS).optional().describe('Layers that are dense although first and every say otherwise.'),
        shared: z
          .strictObject({
            intermediate: count.describe('Their summed width.'),
            gated: off.describe('They have a gate of their own.'),
          })
          .optional()
          .describe('Shared experts, as one FFN of their summed width.'),
        modules: z
          .array(
            z.strictObject({
              name: word.describe('What the module is, e.g. attention.'),
              experts: count.max(MAX_EXPERTS).optional().describe('Its experts. Absent: as above.'),
              topK: count.optional().describe('Experts that a token chooses of it. Absent: as above.'),
              intermediate: count.optional().describe('Width of one of its experts, where it is an FFN. Absent: as above.'),
              parameters: count.optional().describe('Weights of one of its experts, where it is no FFN.'),
              replaces: z
                .enum(['attention', 'ffn', 'nothing'])
                .optional()
                .describe('Dense part that it stands for. Absent: the FFN where it is one, else nothing.'),
            }),
          )
          .min(1)
          .max(16)
          .optional()
          .describe('Several routed modules in each of these layers, in order of execution; each becomes an MoE layer. Absent: one FFN.'),
        whole: off.describe('An expert is a whole model of this architecture, and a token is routed once.'),
        overrides: z.array(LayerShape).max(MAX_LAYERS).optional().describe('Layers whose experts differ.'),
      })
      .describe('The mixture of experts.'),
    dense: z
      .strictObject({ intermediate: count.describe('Its width.') })
      .optional()
      .describe('FFN of the dense layers.'),
    architecture: word.optional().describe('model_type of its config.json, by which runtimes know it. Absent: unknown.'),
    mtpLayers: index
      .optional()
      .describe('Layers behind the last one by which the checkpoint predicts further tokens (multi-token prediction). Absent: unknown.'),
    nextLayers: index.default(0).describe('How many of these GGUF files keep.'),
    quantization: z.string().default('bf16').describe('Storage format that the model is priced in unless the run names another.'),
    published: z
      .strictObject({
        total: z.number().positive().describe('All parameters.'),
        active: z.number().positive().optional().describe('Parameters that one token uses.'),
        tables: z
          .union([z.literal(0), z.literal(1), z.literal(2)])
          .default(1)
          .describe('Vocabulary tables in `active`: the head, as moeprof counts (1), the embedding as well (2), or neither (0).'),
        source: z.string().describe('Where it is stated.'),
      })
      .optional()
      .describe('Parameters as the publisher states them; the derived ones are checked against them.'),
    trainedContext: count.optional().describe('Tokens of context that it was trained on (max_position_embeddings). Absent: unknown.'),
    offered: z
      .boolean()
      .default(true)
      .describe('False: no model that one would run for its texts; it is left out where moeprof says what a machine runs.'),
    routing: z.record(z.string(), z.unknown()).optional().describe('How the model routes, for the synthetic generator.'),
    assumed: word.max(300).optional().describe('What of the shape no source shows, as a sentence.'),
    note: word.max(1000).optional().describe('What a reader of results must know, e.g. what was guessed. One or two sentences.'),
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
    const shapes = attention.kind === 'gqa' ? [attention, { ...attention, ...definedFields({ ...attention.window }) }] : [];
    const odd = shapes.find(({ heads, kvHeads }) => heads % kvHeads !== 0)?.heads;
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

/** As in config.json. Sizes, bytes and operations are derived (build.ts). */
export type ModelProfile = z.infer<typeof ModelProfileSchema>;

/** True if a decoder layer has experts. */
export const isMoeLayer = ({ moe }: { moe: { first: number; every: number; except?: number[] } }, layer: number): boolean =>
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

/** Query heads, and key and value heads, with grouped attention. */
export function headsOf(profile: ModelProfile, layer: number): { readonly heads: number; readonly kvHeads: number } {
  const { heads, kvHeads, window } = profile.attention as Extract<ModelProfile['attention'], { kind: 'gqa' }>;
  return windowOf(profile, layer) === null ? { heads, kvHeads } : { heads: window?.heads ?? heads, kvHeads: window?.kvHeads ?? kvHeads };
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

/** The last matching override wins. */
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

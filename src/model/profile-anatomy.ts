import type { Anatomy, ContextMemory, Tensor } from './anatomy.js';
import { type ModelParts, routedOf, type Weights } from './parts.js';
import { attentionBlocks, expertsOf, hasAttention, headsOf, isMoeLayer, type ModelProfile, windowOf } from './profile.js';

/** Tensors and context memory of a profile, by GGUF names. @param parts of the profile, before sizes are levelled */
export function profileAnatomy(profile: ModelProfile, parts: ModelParts): Anatomy {
  const tensors: Tensor[] = [];
  const add = (layer: number | null, { tensors: listed = [] }: Weights, times = 1): void => {
    for (const { name, bytes, format } of listed)
      tensors.push({ name: layer === null ? name : `blk.${layer}.${name}`, layer, format, bytes: times * bytes });
  };
  for (const [index, layer] of parts.layers.entries()) {
    for (const part of [layer.attention, layer.router, layer.shared, layer.ffn]) add(index, part);
    for (const { experts, expert } of routedOf(layer)) add(index, expert, experts);
  }
  if (parts.embedding !== null) add(null, parts.embedding);
  for (const { name, bytes, format } of parts.head.tensors ?? [])
    tensors.push({ name: parts.embedding === null && name === 'output.weight' ? 'token_embd.weight' : name, layer: null, format, bytes });
  const all = parts.layers.map((_, layer) => layer);
  const dense = all.some((layer) => !isMoeLayer(profile, layer)) ? (profile.dense?.intermediate ?? 0) : 0;
  return {
    vocab: profile.vocab,
    layers: all.map((layer) => memoryOf(profile, layer)),
    nextLayers: profile.nextLayers,
    expertWidth: Math.max(...all.map((layer) => expertsOf(profile, layer).intermediate)),
    denseWidth: dense,
    sharedWidth: profile.moe.shared?.intermediate ?? 0,
    tensors,
  };
}

/** Context memory of a decoder layer. */
export function memoryOf(profile: ModelProfile, layer: number): ContextMemory {
  const { attention } = profile;
  if (profile.single && isMoeLayer(profile, layer)) return { kind: 'none' };
  if (!hasAttention(profile, layer)) return { kind: 'state', bytes: attention.otherwise?.stateBytes ?? null };
  if (attention.kind === 'mla') {
    const { heads, qLora, kvLora, qkRope, qkNope, vHead } = attention;
    return { kind: 'latent', heads, queryRank: qLora, latent: kvLora, rope: qkRope, nope: qkNope, value: vHead };
  }
  const { headDim, valueDim = headDim } = attention;
  const { heads, kvHeads } = headsOf(profile, layer);
  return {
    kind: 'heads',
    heads,
    kvHeads: attentionBlocks(attention, layer) * kvHeads,
    keyDim: headDim,
    valueDim,
    window: windowOf(profile, layer),
  };
}

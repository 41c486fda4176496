// A model of which only a few figures are known: layers, experts, their width, parameters in total and per token. Values of most models of
// its kind fill the gaps, so that it can be priced; reports say that these values are guessed.
import { type ModelProfile, ModelProfileSchema } from './profile.js';

/** Figures of a model, under the names that measurements have for them. */
export interface ModelShape {
  /** Decoder layers, and how many of them have experts; the others come first. */
  readonly layers: number;
  readonly moe_layers: number;
  /** Routed experts of a layer, and how many of them a token chooses. */
  readonly experts: number;
  readonly top_k: number;
  /** Widths of the residual stream and of one expert. */
  readonly hidden: number;
  readonly expert_intermediate: number;
  /** Shared experts, as wide as a routed one. Absent: none. */
  readonly shared_experts?: number | undefined;
  /** Parameters in billions, in total and per token. */
  readonly total_b: number;
  readonly active_b: number;
}

/** Vocabulary where nothing says: that of Qwen3, between those of DeepSeek (129,280) and of gpt-oss (201,088). */
const VOCAB = 151_936;

/** Width of a head, and key and value heads: those of Qwen3-30B and 235B; most others have 4 or 8 of 128, or as many bytes in other ways. */
const HEAD = 128;
const KV_HEADS = 4;

/** Limits of the query heads, as a multiple of the usual number (as wide as twice the residual stream). */
const LEAST = 0.5;
const MOST = 2;

/**
 * The profile of a shape. Experts are exact; attention has the mean of the query heads that are usual and of those that bring the
 * parameters of one token to those stated, which are rounded; leading dense layers are as wide as the experts that a token uses in the
 * others, as in DeepSeek-V3.
 */
export function profileOfShape(name: string, shape: ModelShape): ModelProfile {
  const { layers, hidden, experts, top_k: topK, expert_intermediate: intermediate, shared_experts: shared = 0 } = shape;
  const first = Math.max(0, layers - shape.moe_layers);
  const one = 3 * hidden * intermediate;
  const dense = (topK + shared) * intermediate;
  const known = shape.moe_layers * ((topK + shared) * one + hidden * experts) + first * 3 * hidden * dense + 2 * VOCAB * hidden;
  const perLayer = (shape.active_b * 1e9 - known) / layers;
  const usual = (2 * hidden) / HEAD;
  const wanted = (perLayer / (hidden * HEAD) - 2 * KV_HEADS) / 2;
  const heads = Math.sqrt(usual * Math.min(MOST ** 2 * usual, Math.max(LEAST ** 2 * usual, wanted)));
  return ModelProfileSchema.parse({
    name,
    layers,
    hidden,
    vocab: VOCAB,
    attention: { kind: 'gqa', heads: KV_HEADS * Math.max(1, Math.round(heads / KV_HEADS)), kvHeads: KV_HEADS, headDim: HEAD },
    moe: {
      experts,
      topK,
      intermediate,
      first,
      ...(shared > 0 ? { shared: { intermediate: shared * intermediate } } : {}),
    },
    ...(first > 0 ? { dense: { intermediate: dense } } : {}),
    quantization: 'bf16',
    published: { total: shape.total_b * 1e9, active: shape.active_b * 1e9, source: 'shape' },
  });
}

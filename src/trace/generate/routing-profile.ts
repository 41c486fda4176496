// A model's routing in a few numbers that can be measured on a trace: the targets of the synthetic generator. Defaults are by family of
// models, such that synthetic routing is as consistent over a few tokens as these models are (docs/synthetic-routing.md).

import { z } from 'zod';
import type { ModelSpec } from '../../model/door.js';

/** A value by depth: the same everywhere; one per MoE layer; or first layer, plateau and last layer, with short ramps between. */
type ByDepth = number | readonly number[] | { readonly first: number; readonly middle: number; readonly last: number };

/** A vocabulary in which each word has its own path. */
export interface VocabularyProfile {
  /** Token ids. */
  readonly size: number;
  /** Frequency of the r-th most frequent word of a domain, (r + 1)^-zipf: Zipf's law in Mandelbrot's form. */
  readonly zipf: number;
  /** Share of choices that follow the path of the token's id, 0 to 1; the others are routed as without a vocabulary. */
  readonly share: ByDepth;
}

/** The targets of the generator. */
export interface RoutingProfile {
  /** Gini coefficient of the experts' load within one domain, 0 (even) to 1 - topK / experts. */
  readonly skew: ByDepth;
  /** Standard deviation of `skew` from layer to layer. */
  readonly skewSpread: number;
  /** Number of text domains; each request has one, and each favours different experts. */
  readonly domains: number;
  /** Correlation of the popularity of two domains: 0 unrelated, 1 equal. */
  readonly domainOverlap: number;
  /** Reuse of the previous token's experts above chance: (reuse@1 - chance) / (1 - chance), where chance is the overlap of two unrelated tokens. */
  readonly reuse: ByDepth;
  /** Memory of recent tokens: the weight of lag d falls as d^-exponent, up to `window`. */
  readonly memory: { readonly exponent: number; readonly window: number };
  /** Share of choices that follow hidden threads common to all layers, 0 to 1, which makes one layer's choices predict another's. */
  readonly coherence: ByDepth;
  /** Probability that a thread is that of a recent token. */
  readonly threadMemory: number;
  /** Token ids, and their influence on the routing; a share {@link domainOverlap} of all tokens is words of all domains. Absent: no ids. */
  readonly vocabulary?: VocabularyProfile | undefined;
  /** The unit of routing: tokens, or whole requests, for which only {@link zipf} of the other fields applies. */
  readonly per: 'token' | 'request';
  /** For routing of requests: popularity of the r-th most popular expert, r^-zipf. */
  readonly zipf: number;
}

const share = z.number().min(0).max(1);
const byDepth = z.union([share, z.array(share).min(1), z.strictObject({ first: share, middle: share, last: share })]);

/** Schema of a model profile's `routing:` block; omitted fields have defaults. */
export const routingProfileSchema = z
  .strictObject({
    skew: byDepth,
    skewSpread: z.number().min(0).max(0.5),
    domains: z.int().min(1).max(64),
    domainOverlap: share,
    reuse: byDepth,
    memory: z.strictObject({ exponent: z.number().min(0).max(5), window: z.int().min(1).max(1024) }),
    coherence: byDepth,
    threadMemory: share,
    vocabulary: z.strictObject({ size: z.int().min(1).max(1_000_000), zipf: z.number().min(0).max(5), share: byDepth }),
    per: z.enum(['token', 'request']),
    zipf: z.number().min(0).max(5),
  })
  .partial();

/** Default profile of a model, with the overrides in `over`. */
export function routingProfile(model: ModelSpec, over: Partial<RoutingProfile> = {}): RoutingProfile {
  return {
    ...localityOf(model),
    skewSpread: 0.05,
    domains: 4,
    domainOverlap: 0.25,
    memory: { exponent: 1.1, window: 64 },
    coherence: { first: 0.3, middle: 0.75, last: 0.7 },
    threadMemory: 0.88,
    per: 'token',
    zipf: 1,
    ...over,
  };
}

/**
 * Skew and reuse by family, such that synthetic traces have the segment routing consistency that is published for 16 tokens (Liang et al.,
 * arXiv 2505.16056; SRP in points), which depends on what surrounds the routed experts. Fitted on the models named.
 *
 * Loose: shared experts, or layers without experts between those with. DeepSeekMoE 36.9, DeepSeek-V2-Lite 37.9, Qwen2-57B 36.7, Qwen1.5-MoE
 * 30.7, Jamba-Mini 38.1, NLLB 25.2 and 31.4: reuse .12 above chance, whatever the shape. Skew .2 up to 60 experts, more where there are
 * more: GLM-5.2 (256 experts) hits 57 % of the time with 65 slots a layer, and a quarter of the experts carry .59 of one text.
 *
 * Local: experts in every layer, and nothing beside them. Skew grows with the number of experts per choice: Mixtral (4) 49.4, PowerMoE (5)
 * 55.2, OLMoE 50.9, Phi-3.5 52.0 and GRIN 50.4 (8), Qwen3-30B (16) 54.1. Reuse is .28 above chance, but .12 with eight experts, which are
 * nearly even: Mixtral, MiniCPM 48.9, JetMoE 47.5.
 */
function localityOf(model: ModelSpec): Pick<RoutingProfile, 'skew' | 'reuse'> {
  const experts = Math.max(...model.layers.map((layer) => layer.experts));
  const topK = Math.max(...model.layers.map((layer) => layer.topK));
  if (isLoose(model)) return { skew: between(0.2, 0.12 * Math.log2(experts) - 0.5, 0.7), reuse: { first: 0.02, middle: 0.12, last: 0.06 } };
  return {
    skew: between(0.12, 0.27 * Math.log2(experts / topK) - 0.42, 0.7),
    reuse: experts <= 8 ? { first: 0.01, middle: 0.12, last: 0.05 } : { first: 0.02, middle: 0.28, last: 0.14 },
  };
}

/** True if the model has more than routed experts: shared experts, or decoder layers without experts between those with. */
function isLoose({ dense, sharedExperts }: ModelSpec): boolean {
  return sharedExperts === true || dense.segments.slice(1, -1).some(({ attention }) => attention.length > 1);
}

function between(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/** Layers over which a plateau is reached from the first or the last layer. Ours. */
const RAMP = 3;

/** Value at a layer. A list shorter than the model is stretched over its depth. */
export function atDepth(value: ByDepth, layer: number, layers: number): number {
  if (typeof value === 'number') return value;
  if ('first' in value) {
    const ramp = Math.min(RAMP, Math.max(1, layers / 4));
    const fromFirst = layer / ramp;
    const fromLast = (layers - 1 - layer) / ramp;
    if (fromFirst < 1) return value.first + (value.middle - value.first) * fromFirst;
    if (fromLast < 1) return value.last + (value.middle - value.last) * fromLast;
    return value.middle;
  }
  const list = value as readonly number[];
  return list[list.length === layers ? layer : Math.round((layer / Math.max(1, layers - 1)) * (list.length - 1))]!;
}

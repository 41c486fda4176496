// How a model routes, in few numbers that can be measured on a trace: what the synthetic generator aims at. The defaults span what
// real models do (docs/synthetic-routing.md): one domain's skew grows with the number of experts; a token shares a fifth to a third
// more experts with the token before than chance gives, least in the first layer.
import { z } from 'zod';
import type { ModelSpec } from '../model/spec.js';

/** A value by depth: the same everywhere; one per MoE layer; or first layer, plateau and last layer, with short ramps between. */
export type ByDepth = number | readonly number[] | { readonly first: number; readonly middle: number; readonly last: number };

/** Words, of which each has a path of its own. */
export interface VocabularyProfile {
  /** Token ids. */
  readonly size: number;
  /** Frequency of the r-th most frequent word of a domain, (r + 1)^-zipf: Zipf's law in Mandelbrot's form. */
  readonly zipf: number;
  /** Share of choices that follow the path of the token's id, 0 to 1; the others are routed as without a vocabulary. */
  readonly share: ByDepth;
}

/** What the generator aims at. */
export interface RoutingProfile {
  /** Gini coefficient of the experts' load within one domain, 0 (even) to 1 - topK / experts. */
  readonly skew: ByDepth;
  /** Standard deviation of `skew` from layer to layer. */
  readonly skewSpread: number;
  /** Text domains; each request has one, and each favours other experts. */
  readonly domains: number;
  /** Correlation of two domains' favourites: 0 unrelated, 1 the same. */
  readonly domainOverlap: number;
  /** Reuse of the previous token's experts above chance: (reuse@1 - chance) / (1 - chance), where chance is the overlap of two unrelated tokens. */
  readonly reuse: ByDepth;
  /** Tokens back that are remembered: weight of lag d falls as d^-exponent, up to `window`. */
  readonly memory: { readonly exponent: number; readonly window: number };
  /** Share of choices that follow hidden threads common to all layers, 0 to 1: what makes one layer's choices predict another's. */
  readonly coherence: ByDepth;
  /** Probability that a thread is one that a recent token had. */
  readonly threadMemory: number;
  /** Token ids, and how far they decide the routing; a share {@link domainOverlap} of all tokens is words of all domains. Absent: no ids. */
  readonly vocabulary?: VocabularyProfile | undefined;
  /** Who is routed: every token, or whole requests. Of the other fields only {@link zipf} then means anything. */
  readonly per: 'token' | 'request';
  /** Where requests are routed: popularity of the r-th most popular expert, r^-zipf. */
  readonly zipf: number;
}

const share = z.number().min(0).max(1);
const byDepth = z.union([share, z.array(share).min(1), z.strictObject({ first: share, middle: share, last: share })]);

/** Schema of a model profile's `routing:` block; what is left out is the default. */
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

/** Default profile of a model, with what `over` sets instead. */
export function routingProfile(model: ModelSpec, over: Partial<RoutingProfile> = {}): RoutingProfile {
  const experts = Math.max(...model.layers.map((layer) => layer.experts));
  return {
    // Measured within one domain: 8 experts .1-.2 (Mixtral), 32 .39 (gpt-oss), 64 .36-.40 (DeepSeek-V2-Lite per sequence), 128 .62-.72 (Qwen3).
    skew: Math.min(0.7, Math.max(0.05, 0.12 * Math.log2(experts) - 0.2)),
    skewSpread: 0.08,
    domains: 4,
    domainOverlap: 0.25,
    reuse: { first: 0.02, middle: 0.28, last: 0.14 },
    memory: { exponent: 1.1, window: 64 },
    coherence: { first: 0.3, middle: 0.75, last: 0.7 },
    threadMemory: 0.88,
    per: 'token',
    zipf: 1,
    ...over,
  };
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

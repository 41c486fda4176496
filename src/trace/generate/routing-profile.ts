import { z } from 'zod';
import type { ModelSpec } from '../../model/door.js';

/** A value by depth: the same everywhere; one per MoE layer; or first layer, plateau and last layer, with short ramps between. */
type ByDepth = number | readonly number[] | { readonly first: number; readonly middle: number; readonly last: number };

/** A vocabulary in which each word has its own path. */
export interface VocabularyProfile {
  readonly size: number;
  /** Frequency of the r-th most frequent word of a domain, (r + 1)^-zipf: Zipf's law in Mandelbrot's form. */
  readonly zipf: number;
  /** Share of choices that follow the path of the token's id, 0 to 1; the others are routed as without a vocabulary. */
  readonly share: ByDepth;
}

/** A model's routing in numbers, the generator's targets; by default a prior that hits as published (docs/routing.md). */
export interface RoutingProfile {
  /** Gini coefficient of the experts' load within one domain, 0 (even) to 1 - topK / experts. */
  readonly skew: ByDepth;
  /** Standard deviation of `skew` from layer to layer. */
  readonly skewSpread: number;
  /** Number of text domains; each request has one, and each favours different experts. */
  readonly domains: number;
  /** Correlation of the popularity of two domains: 0 unrelated, 1 equal. */
  readonly domainOverlap: number;
  /** Reuse of the previous token's experts above chance: (reuse@1 - chance) / (1 - chance), with chance the overlap of two unrelated tokens. */
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
    ...localityOf(shapeOf(model)),
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

/** A configuration's router, and what runs next to the routed experts. */
export interface RoutedShape {
  readonly experts: number;
  readonly topK: number;
  /** Experts that every token uses. */
  readonly shared: boolean;
  /** Decoder layers without experts between those with. */
  readonly gaps: boolean;
}

/**
 * The prior of skew and reuse by shape. Skew rises with log2(experts / topK), `slope` a doubling, from `least` to `most`; shared experts take off
 * `beside` doublings, since they serve what is common. Reuse above chance: `gaps` if layers lack experts, `few` up to eight, `wide` with shared
 * experts or 16 experts a choice and more, else `local`. Fitted on profiles/measurements/hits.jsonl, one vote a model, by
 * test/claims/trace/hits.test.ts (errors: docs/routing.md).
 */
export const PRIOR = { slope: 0.28, offset: -0.46, beside: 1.45, least: 0.05, most: 0.66, gaps: 0, few: 0.075, wide: 0.185, local: 0.31 };

/** Experts up to which `few` holds, and experts a choice from which `wide` does: the published shapes have none between 8 and 16 of either. */
const FEW = 8;
const WIDE = 16;

/** Skew and reuse of a shape by the prior. */
export function localityOf({ experts, gaps, shared, topK }: RoutedShape, prior = PRIOR): Pick<RoutingProfile, 'skew' | 'reuse'> {
  const doublings = Math.log2(experts / topK) - (shared ? prior.beside : 0);
  const alone = experts <= FEW ? prior.few : shared || experts >= WIDE * topK ? prior.wide : prior.local;
  const reuse = gaps ? prior.gaps : alone;
  const skew = Math.min(prior.most, Math.max(prior.least, prior.slope * doublings + prior.offset));
  return { skew, reuse: { first: 0.1 * reuse, middle: reuse, last: 0.5 * reuse } };
}

const shapeOf = ({ dense, layers, sharedExperts }: ModelSpec): RoutedShape => ({
  experts: Math.max(...layers.map((layer) => layer.experts)),
  topK: Math.max(...layers.map((layer) => layer.topK)),
  shared: sharedExperts === true,
  gaps: dense.segments.slice(1, -1).some(({ attention }) => attention.length > 1),
});

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

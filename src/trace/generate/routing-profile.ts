import { z } from 'zod';
import type { ModelSpec } from '../../model/door.js';

/** Value by depth: constant, by MoE layer, or ramps from first and last layer to a plateau. */
type ByDepth = number | readonly number[] | { readonly first: number; readonly middle: number; readonly last: number };

/** Vocabulary whose words each have a path of experts. */
export interface VocabularyProfile {
  readonly size: number;
  /** Exponent of word frequency (r + 1)^-zipf (Zipf-Mandelbrot). */
  readonly zipf: number;
  /** Share of choices on the token's path, 0 to 1. */
  readonly share: ByDepth;
}

/** Routing targets of the generator; the default prior reproduces published hit rates (docs/routing.md). */
export interface RoutingProfile {
  /** Gini coefficient of expert load within a domain, 0 (even) to 1 - topK / experts. */
  readonly skew: ByDepth;
  readonly skewSpread: number;
  /** Number of text domains; each request has one. */
  readonly domains: number;
  /** Correlation of popularity between domains: 0 unrelated, 1 equal. */
  readonly domainOverlap: number;
  /**
   * Reuse of the previous token's experts above chance: (reuse@1 - chance) / (1 - chance); chance is the overlap of
   * unrelated tokens.
   */
  readonly reuse: ByDepth;
  /** Weight of lag d is d^-exponent, up to `window` tokens. */
  readonly memory: { readonly exponent: number; readonly window: number };
  /** Share of choices that follow hidden threads common to all layers, 0 to 1. */
  readonly coherence: ByDepth;
  /** Probability that a thread comes from a recent token. */
  readonly threadMemory: number;
  /** Token ids with paths of experts. Absent: no ids. */
  readonly vocabulary?: VocabularyProfile;
  /** Unit of routing; for `request` only {@link zipf} applies. */
  readonly per: 'token' | 'request';
  /** Popularity exponent for requests: r^-zipf for rank r. */
  readonly zipf: number;
}

const share = z.number().min(0).max(1);
const byDepth = z.union([share, z.array(share).min(1), z.strictObject({ first: share, middle: share, last: share })]);

/** Schema of the `routing:` block of a model profile; all fields are optional. */
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

/** Default profile of a model with overrides. */
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

/** Shape of a model's router. */
export interface RoutedShape {
  readonly experts: number;
  readonly topK: number;
  /** True with experts used by every token. */
  readonly shared: boolean;
  /** True with decoder layers without experts in between. */
  readonly gaps: boolean;
}

/**
 * Prior of skew and reuse by shape. Skew: `slope` per doubling of experts / topK, from `least` to `most`; shared
 * experts take off `beside` doublings, because they absorb common load. Reuse above chance: `gaps` if layers lack
 * experts, `few` up to eight experts, `wide` with shared experts or at least 16 experts a choice, else `local`. Fitted
 * on profiles/measurements/hits.jsonl, one vote a model, by test/claims/trace/hits.test.ts (errors: docs/routing.md).
 */
export const PRIOR = { slope: 0.28, offset: -0.46, beside: 1.45, least: 0.05, most: 0.66, gaps: 0, few: 0.075, wide: 0.185, local: 0.31 };

/** Maximum experts of `few`. */
const FEW = 8;
/** Minimum experts a choice of `wide`; published shapes have none between 8 and 16. */
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

/** Layers between the first or last layer and the plateau. Ours. */
const RAMP = 3;

/** Value at a layer; a shorter list is stretched over the depth. */
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

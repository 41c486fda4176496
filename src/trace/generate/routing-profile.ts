import { z } from 'zod';
import { type ModelSpec, mostExperts, mostTopK } from '../../model/door.js';

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

/** How training balanced the load: auxiliary loss in micro-batches, over global batches or loosely, or a bias without loss. */
export const BALANCES = ['micro-batch', 'global', 'bias'] as const;
type Balance = (typeof BALANCES)[number];

/** Routing targets of the generator; the default prior reproduces published hit rates (docs/routing.md). */
export interface RoutingProfile {
  /** Gini coefficient of expert load within a text, 0 (even) to 1 - topK / experts. */
  readonly gini: ByDepth;
  /** Share of choices that repeat a recent token's, whatever the load, 0 to 1. */
  readonly repeat: ByDepth;
  readonly balance?: Balance;
  /** By kind of text: the same two numbers. */
  readonly texts?: Readonly<Record<string, { readonly gini: ByDepth; readonly repeat: ByDepth }>>;
  /** Name in {@link texts}; absent: the mean of all. */
  readonly text?: string;
  /** Gini coefficient over many texts of a domain, of earlier releases; replaces {@link gini}. */
  readonly skew?: ByDepth;
  /** Reuse of the previous token's experts above chance, of earlier releases; replaces {@link repeat}. */
  readonly reuse?: ByDepth;
  readonly skewSpread: number;
  /** Number of text domains; each request has one. */
  readonly domains: number;
  /** Correlation of popularity between domains: 0 unrelated, 1 equal. */
  readonly domainOverlap: number;
  /** Age of what is repeated: weight of lag d is d^-exponent, up to `window` tokens. */
  readonly memory: { readonly exponent: number; readonly window: number };
  /** Share of choices that follow hidden threads common to all layers, 0 to 1. */
  readonly coherence: ByDepth;
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
    gini: byDepth,
    repeat: byDepth,
    balance: z.enum(BALANCES),
    texts: z.record(z.string(), z.strictObject({ gini: byDepth, repeat: byDepth })),
    text: z.string(),
    skew: byDepth,
    skewSpread: z.number().min(0).max(0.5),
    domains: z.int().min(1).max(64),
    domainOverlap: share,
    reuse: byDepth,
    memory: z.strictObject({ exponent: z.number().min(0).max(5), window: z.int().min(1).max(1024) }),
    coherence: byDepth,
    vocabulary: z.strictObject({ size: z.int().min(1).max(1_000_000), zipf: z.number().min(0).max(5), share: byDepth }),
    per: z.enum(['token', 'request']),
    zipf: z.number().min(0).max(5),
  })
  .partial()
  .refine(({ text, texts = {} }) => text === undefined || Object.hasOwn(texts, text), {
    error: ({ input }) =>
      `there is no such text; take one of: ${Object.keys((input as Partial<RoutingProfile>).texts ?? {}).join(', ') || 'none'}`,
    path: ['text'],
  });

/** True for a block with both numbers, of this release or earlier ones. */
export const hasLocality = ({ gini, repeat, reuse, skew, text }: Partial<RoutingProfile>): boolean =>
  text !== undefined || ((gini ?? skew) !== undefined && (repeat ?? reuse) !== undefined);

/** Numbers of the text in question. */
const textOf = ({ text = '', texts = {} }: Partial<RoutingProfile>): Partial<RoutingProfile> =>
  new Map(Object.entries(texts)).get(text) ?? {};

/** Default profile of a model with overrides. */
export function routingProfile(model: ModelSpec, over: Partial<RoutingProfile> = {}): RoutingProfile {
  return {
    ...localityOf(shapeOf(model, over.balance ?? null)),
    skewSpread: 0.05,
    domains: 4,
    domainOverlap: 0.25,
    memory: { exponent: 3, window: 64 },
    coherence: { first: 0.3, middle: 0.75, last: 0.7 },
    per: 'token',
    zipf: 1,
    ...over,
    ...textOf(over),
  };
}

/** Shape of a model's router, and how its training balanced the load. */
export interface RoutedShape {
  readonly experts: number;
  readonly topK: number;
  /** True with experts used by every token. */
  readonly shared: boolean;
  /** True with decoder layers without experts in between. */
  readonly gaps: boolean;
  /** Null: unpublished. */
  readonly balance: Balance | null;
}

/**
 * Prior of Gini coefficient and repeats by shape and recipe. Log-odds of the Gini coefficient: `offset` of eight
 * experts under a loss in micro-batches, `slope` per doubling of experts, `global` and `bias` of the other recipes;
 * `beside` less under a loss in micro-batches with shared experts. Repeats: `few` up to eight experts, `many`
 * from 96, else `loose` under a loss over global batches and `local` under others; times `gaps` if layers lack experts.
 * At most `most`. Fitted on profiles/measurements/hits.jsonl by test/claims/trace/hits.test.ts (errors:
 * docs/routing.md).
 */
export const PRIOR = {
  offset: -1.1,
  slope: 0.441,
  global: 0.604,
  bias: -0.81,
  beside: 0.595,
  most: 0.8,
  few: 0.001,
  many: 0.081,
  local: 0.133,
  loose: 0.2915,
  gaps: 0.55,
};

/** Maximum experts of `few`. */
const FEW = 8;
/** Minimum experts of `many`; published shapes have none between 64 and 128. */
const MANY = 96;

/** Gini coefficient and repeats by the prior. */
export function localityOf(shape: RoutedShape, prior = PRIOR): { readonly gini: number; readonly repeat: number } {
  const { balance, experts, gaps, shared } = shape;
  const micro = shared ? -prior.beside : 0;
  // Null: halfway between the two losses.
  const recipe = { 'micro-batch': micro, global: prior.global, bias: prior.bias, none: (micro + prior.global) / 2 }[balance ?? 'none'];
  const odds = prior.offset + prior.slope * Math.log2(experts / FEW) + recipe;
  const local = balance === 'global' ? prior.loose : prior.local;
  const alone = experts <= FEW ? prior.few : experts >= MANY ? prior.many : local;
  return { gini: Math.min(prior.most, 1 / (1 + Math.exp(-odds))), repeat: alone * (gaps ? prior.gaps : 1) };
}

const shapeOf = ({ dense, layers, sharedExperts }: ModelSpec, balance: Balance | null): RoutedShape => ({
  balance,
  experts: mostExperts({ layers }),
  topK: mostTopK({ layers }),
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

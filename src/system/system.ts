// A system: a composition of a cache policy, a predictor, a scheduler and a miss action, read from YAML. It adds nothing of its own:
// every offloading system of the field is a file in profiles/systems/.
import { z } from 'zod';
import type { Choice } from '../base/parameters.js';
import { findProfile, shownPath } from '../base/profiles.js';
import { issueOf, written } from '../base/written.js';
import { type Located, locateYaml, type Override, readText } from '../base/yaml.js';
import { parseCapacity } from '../cache/capacity.js';
import { QUOTAS } from '../cache/layer-quotas.js';
import { parsePolicy } from '../cache/policies/index.js';
import { parsePredictor } from '../predict/create.js';
import { parseScheduler } from '../schedule/index.js';
import { DEGREES, MISS_ACTIONS, WHEN_FULL } from './choices.js';
import { parsePlacement } from './placement/index.js';

/** `on` and `off` are strings in YAML 1.2; people write them all the same. */
const onOff = z.union([z.boolean(), z.enum(['on', 'off'])]).transform((value) => value === true || value === 'on');

/** Fields of a predictor that every predictor has; all other keys are parameters of its own. */
export const predictorFields = z.looseObject({
  /** Which predictor, `none` for none; parameters may follow after a colon. */
  kind: z.string().min(1).default('none'),
  /** Layers ahead that it predicts, `all`, or `auto`: as the link needs (`engine/horizon.ts`). */
  horizon: z.union([z.int().positive(), z.enum(['all', 'auto'])]).default(1),
  /** Predict the remaining layers again as soon as a layer's routing is known (L12). */
  correction: onOff.default(true),
  /** Traces to learn from before the run. */
  train: z.array(z.string()).default([]),
});

/**
 * Another predictor in the place of one, as `--predictor` asks: it looks as far, corrects itself as often and learns from the same traces;
 * parameters of the other kind go with it.
 * @param before what the system says of its predictor
 */
export function replacePredictor(kind: string): (before: unknown) => unknown {
  return (before) => {
    if (typeof before !== 'object' || before === null) return kind;
    const shared = Object.keys(predictorFields.shape).filter((key) => key !== 'kind');
    return { ...Object.fromEntries(Object.entries(before).filter(([key]) => shared.includes(key))), kind };
  };
}

/**
 * Reads a member of a family; parameters beside its name one by one, so that a wrong one is told with its own place.
 * @param parse throws a UserError
 */
function chosen(
  context: z.RefinementCtx,
  kind: string,
  beside: Readonly<Record<string, unknown>>,
  parse: (text: string, beside: Readonly<Record<string, unknown>>) => Choice,
): Choice {
  issueOf(context, ['kind'], () => parse(kind, {}));
  if (context.issues.length > 0) return z.NEVER;
  for (const [name, value] of Object.entries(beside)) issueOf(context, [name], () => parse(kind, { [name]: value }));
  return context.issues.length > 0 ? z.NEVER : parse(kind, beside);
}

const named = z.union([z.string().transform((kind) => ({ kind })), z.looseObject({})]);

const predictor = named.pipe(predictorFields).transform(({ kind, horizon, correction, train, ...parameters }, context) => ({
  kind: chosen(context, kind, parameters, parsePredictor),
  horizon,
  correction,
  train,
  parameters,
}));

const scheduler = named
  .pipe(z.looseObject({ kind: z.string().min(1).default('fcfs') }))
  .transform(({ kind, ...parameters }, context) => ({ kind: chosen(context, kind, parameters, parseScheduler), parameters }));

const placement = named
  .pipe(z.looseObject({ kind: z.string().min(1).default('even') }))
  .transform(({ kind, ...parameters }, context) => ({ kind: chosen(context, kind, parameters, parsePlacement), parameters }));

const policy = written(parsePolicy);

const overlap = z.literal(['none', ...DEGREES, 'adaptive']);

/** Schema of `profiles/systems/*.yaml`. */
export const systemSchema = z.strictObject({
  name: z.string().min(1),
  /** What it follows: a paper, a repository. */
  cites: z.string().optional(),
  /** Where it is simpler than what it follows. */
  simplifies: z.string().optional(),
  cache: z
    .strictObject({
      /** Policy of the expert cache, with parameters after a colon: `lru`, `static:by=layer`, `./my-policy.mjs`. */
      policy: policy.prefault('lru'),
      /** One cache for all layers, or one per layer. */
      scope: z.enum(['global', 'layer']).default('global'),
      /**
       * Split of the capacity over the layers, layer scope only: even; in proportion to how many experts carry a layer's demand; the one
       * that hits most, both profiled on the tokens that `popularity` names; the earliest layers whole, as far as it goes (`shallow`); or
       * experts per MoE layer. Absent: even.
       */
      quotas: z.union([z.enum(QUOTAS), z.array(z.int().nonnegative())]).optional(),
      /** Where the popularity of experts is taken from: so many tokens of the trace itself, or a file (a trace, or counts). */
      popularity: z.union([z.int().positive(), z.string().min(1)]).default(1000),
      /** Capacity that makes this system what it is (no cache, everything resident); absent: the run says. */
      capacity: z
        .string()
        .transform((text, context) => issueOf(context, [], () => parseCapacity(text)))
        .optional(),
      /** Tiers exclude each other: an evicted expert is written back to DRAM (L14). */
      exclusive: onOff.default(false),
    })
    .prefault({}),
  /** DRAM as a cache of the SSD, where it cannot hold every expert. */
  dram: z.strictObject({ policy: policy.prefault('lru') }).prefault({}),
  predictor: predictor.prefault({}),
  prefetch: z
    .strictObject({
      /** Experts of a smaller probability are not prefetched. */
      minProbability: z.number().min(0).max(1).default(0.15),
      /** Most experts prefetched for one layer; absent: the layer's top-k times the batch. */
      perLayer: z.int().positive().optional(),
      /** What becomes of a prefetch that finds no slot: `drop`, or `wait` until an event has ended. */
      whenFull: z.enum(WHEN_FULL).default('drop'),
    })
    .prefault({}),
  scheduler: scheduler.prefault({}),
  /** Which GPU each expert lives on, where there are several. Absent: even. */
  placement: placement.optional(),
  /** Chunks in which events are dispatched, executed and combined, so that one is executed while the next is on its way. Absent: none. */
  overlap: overlap.transform((given) => (given === 'none' ? 1 : given)).optional(),
  onMiss: z.enum(MISS_ACTIONS).default('load'),
  /**
   * Cache-aware routing: among the candidates of a trace that is wider than the model's top-k, those are chosen whose log gate weight plus
   * `lambda` if resident is largest. Absent: tokens choose as recorded.
   */
  rerank: z
    .strictObject({
      /** What residence is worth, in log weight; 0: nothing. */
      lambda: z.number().min(0),
      /** Best ranked choices that are always kept. */
      keep: z.int().nonnegative().default(0),
    })
    .optional(),
  /** Two sizes of an expert: misses that matter little are served from a low-precision copy, or not at all. Absent: all in full. */
  precision: z
    .strictObject({
      /** What importance is read from: the trace's gate weights, or the rank alone. */
      by: z.enum(['weights', 'rank']).default('rank'),
      /** Bytes of a copy as a share of the expert's. */
      copyBytes: z.number().positive().max(1),
      /** Copies serve misses whose token has put more than this share of its weight on better-ranked experts. */
      lowAbove: z.number().min(0).max(1),
      /** Beyond this share they are skipped; 1: never. */
      skipAbove: z.number().min(0).max(1).default(1),
    })
    .optional(),
});

/** A checked system. */
export type SystemSpec = z.infer<typeof systemSchema>;

/**
 * Reads a system.
 * @param nameOrPath bundled name, or a path relative to `relativeTo`
 * @param overrides values that replace the file's, paths from the system's root
 * @throws UserError
 */
export function loadSystem(nameOrPath: string, relativeTo?: string, overrides: readonly Override[] = []): Located<SystemSpec> {
  const path = findProfile('systems', nameOrPath, relativeTo);
  return locateYaml(readText(path), shownPath(path), systemSchema, overrides);
}

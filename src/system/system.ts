// A system, read from YAML: policy, predictor, scheduler and miss action.
import { z } from 'zod';
import { readText } from '../base/input-file.js';
import { byName } from '../base/objects.js';
import type { Choice } from '../base/parameters.js';
import { findProfile, shownPath } from '../base/profiles.js';
import { BYTES } from '../base/units.js';
import { issueOf, known, onOff, written } from '../base/written.js';
import { type Located, locateYaml, type Override, positiveQuantity } from '../base/yaml.js';
import { parseCapacity } from '../cache/capacity.js';
import { QUOTAS } from '../cache/layer-quotas.js';
import { parsePolicy } from '../cache/policies/index.js';
import { parsePredictor } from '../predict/predictors/create.js';
import { parseScheduler } from '../schedule/door.js';
import { DEGREES, PREFETCH_BUDGETS, PREFETCH_WHEN, WHEN_FULL } from './choices.js';
import { copies } from './copies.js';
import { missRules } from './miss-rules.js';
import { parsePlacement } from './placement/index.js';
import { speculationSchema } from './speculation.js';
import { parseStaging } from './staging.js';

const word = z.string().min(1);
const whole = z.int().nonnegative();
const positive = z.int().positive();

/** Fields of every predictor; other keys are parameters. */
export const predictorFields = z.looseObject({
  kind: word.default('none'),
  horizon: z.union([positive, z.enum(['all', 'auto'])]).default(1),
  correction: onOff.default(true),
  train: z.array(z.string()).default([]),
});

/** Replaces a predictor for `--predictor`; keeps horizon, correction and training traces. */
export function replacePredictor(kind: string): (before: unknown) => unknown {
  return (before) => {
    if (typeof before !== 'object' || before === null) return kind;
    const shared = Object.keys(predictorFields.shape).filter((key) => key !== 'kind');
    return { ...Object.fromEntries(Object.entries(before).filter(([key]) => shared.includes(key))), kind };
  };
}

/** Parses a member of a family; checks parameters separately for error places. */
function chosen<C extends Choice>(
  context: z.RefinementCtx,
  kind: string,
  beside: Readonly<Record<string, unknown>>,
  parse: (text: string, beside: Readonly<Record<string, unknown>>) => C,
): C {
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

/** Field of every scheduler; other keys are parameters. */
export const schedulerFields = z.looseObject({ kind: z.string().default('fcfs') });

/** Field of every placement; other keys are parameters. */
export const placementFields = z.looseObject({ kind: z.string().default('even') });

const scheduler = named
  .pipe(schedulerFields)
  .transform(({ kind, ...parameters }, context) => ({ kind: chosen(context, kind, parameters, parseScheduler), parameters }));

const placement = named
  .pipe(placementFields)
  .transform(({ kind, ...parameters }, context) => ({ kind: chosen(context, kind, parameters, parsePlacement), parameters }));

const policy = written(parsePolicy, word);

const overlap = z.literal(['none', ...DEGREES, 'adaptive']);

/** Parts of a system that may be plain text: the key that the text sets. */
export const SHORTHANDS = byName<string>({ predictor: 'kind', scheduler: 'kind', placement: 'kind', onMiss: 'do' });

/** Schema of `profiles/systems/*.yaml`; fields: profiles/fields.txt. */
export const systemSchema = z.strictObject({
  name: word,
  cites: z.string().optional(),
  simplifies: z.string().optional(),
  decisive: z
    .strictObject({
      mechanism: word,
      without: z.record(word, z.unknown()),
      worse: word,
      shown: z.record(word, z.unknown()).optional(),
    })
    .optional(),
  runtime: word.superRefine(known((name) => findProfile('runtimes', name))).optional(),
  cache: z
    .strictObject({
      policy: policy.prefault('lru'),
      scope: z.enum(['global', 'layer']).default('global'),
      quotas: z.union([z.enum(QUOTAS), z.array(whole)]).optional(),
      popularity: z.union([positive, word]).default(1000),
      warm: z.union([positive, word]).optional(),
      capacity: written(parseCapacity, z.string()).optional(),
      exclusive: onOff.default(false),
      copies: copies.optional(),
    })
    .prefault({}),
  dram: z.strictObject({ policy: policy.prefault('lru') }).prefault({}),
  predictor: predictor.prefault({}),
  prefetch: z
    .strictObject({
      minProbability: z.number().min(0).max(1).default(0.15),
      perLayer: positive.optional(),
      when: z.enum(PREFETCH_WHEN).default('idle'),
      across: z.union([z.boolean(), z.literal('auto')]).default(false),
      whenFull: z.enum(WHEN_FULL).default('drop'),
      staging: written(parseStaging, z.union([word, whole]).transform(String)).optional(),
      budget: z.enum(PREFETCH_BUDGETS).default('none'),
      cancel: onOff.default(true),
      chunk: positiveQuantity(BYTES).optional(),
    })
    .prefault({}),
  speculation: speculationSchema.optional(),
  scheduler: scheduler.prefault({}),
  placement: placement.optional(),
  overlap: overlap.transform((given) => (given === 'none' ? 1 : given)).optional(),
  parallelism: z.enum(['expert', 'adaptive']).optional(),
  onMiss: missRules.prefault('load'),
  rerank: z.strictObject({ lambda: z.number().min(0), keep: whole.default(0) }).optional(),
});

/** A checked system. */
export type SystemSpec = z.infer<typeof systemSchema>;

/** First part about GPUs that share experts; undefined: none. */
export const sharingPart = (system: SystemSpec): 'placement' | 'overlap' | 'parallelism' | undefined =>
  (['placement', 'overlap', 'parallelism'] as const).find((part) => system[part] !== undefined);

/** Reads a system by bundled name or path. @param overrides paths from the root @throws UserError */
export function loadSystem(nameOrPath: string, relativeTo?: string, overrides: readonly Override[] = []): Located<SystemSpec> {
  const path = findProfile('systems', nameOrPath, relativeTo);
  return locateYaml(readText(path), shownPath(path), systemSchema, overrides);
}

import { z } from 'zod';
import { findProfile, isPath } from '../base/profiles.js';
import { BYTES, COUNT, SHARE } from '../base/units.js';
import { known, written } from '../base/written.js';
import { quantity } from '../base/yaml.js';
import { parseCapacity } from '../cache/capacity.js';
import { findHardware } from '../hardware/door.js';
import { CPU_PROJECTIONS, findQuantization, meantModel, parseKvFormat, SHAPE } from '../model/door.js';
import { budgetsSchema } from '../result/budget.js';
import { KV_GROWTH, parseArrivals, parseClassBudget, parseObjectives } from '../schedule/door.js';
import { checkFormatName } from '../trace/formats/index.js';
import { parseVariant } from '../trace/variants/index.js';
import { REPLAYS, RUNTIME_WORDS } from './choices.js';
import { faultsSchema } from './faults.js';
import { speculationSchema } from './speculation.js';

const word = z.string().min(1);
const whole = z.int().nonnegative();
const positive = z.int().positive();

const capacity = written(parseCapacity, z.union([word, z.number().nonnegative()]).transform(String));

const traceColumns = z.strictObject({
  layer: word,
  experts: word,
  token: word.optional(),
  request: word.optional(),
  phase: word.optional(),
  weights: word.optional(),
  tokenId: word.optional(),
});

const memory = z.strictObject({
  expertCache: capacity.optional(),
  dramCache: capacity.optional(),
  kv: quantity(BYTES).optional(),
  kvFormat: written(parseKvFormat, word).optional(),
  kvGrowth: z.enum(KV_GROWTH).optional(),
  kvIn: z.enum(['gpu', 'dram']).optional(),
  gpuLayers: whole.optional(),
  splitLayer: z.strictObject({ layer: whole, cpu: z.enum(CPU_PROJECTIONS) }).optional(),
  minExpertCache: capacity.optional(),
});

const workload = z.strictObject({
  arrivals: written(parseArrivals, word).optional(),
  rate: z.number().positive().optional(),
  requests: positive.optional(),
  slo: written(parseObjectives, z.string()).optional(),
  classes: z.record(z.string(), z.strictObject({ budget: written(parseClassBudget, word) })).optional(),
  batch: positive.max(1_000_000).default(1),
  tokens: quantity(COUNT)
    .refine((tokens) => tokens > 0, { error: 'must be more than 0' })
    .refine((tokens) => tokens <= 1e9, { error: 'must be at most 1e9; a part of the trace says the same' })
    .optional(),
  holdOut: quantity(SHARE)
    .refine((share) => share > 0 && share < 1, { error: 'must be more than 0 and less than all' })
    .optional(),
  maxTokensPerPass: positive.default(512),
  speculation: speculationSchema.optional(),
  prompt: whole.default(128),
  context: whole.max(1e9).optional(),
  output: positive.default(128),
});

/** Schema of `profiles/runs/*.yaml` and of `simulate`'s input; fields: profiles/fields.txt. */
export const runSchema = z.strictObject({
  model: word
    .superRefine(known((name) => isPath(name) || name.startsWith(SHAPE) || findProfile('models', meantModel(name).name)))
    .optional(),
  quantization: word.superRefine(known(findQuantization)).optional(),
  hardware: word.superRefine(known((name) => findHardware(name))).default('rtx-4090'),
  runtime: word.superRefine(known((name) => RUNTIME_WORDS.includes(name) || findProfile('runtimes', name))).optional(),
  system: z.union([word, z.looseObject({})]).default('on-demand-lru'),
  trace: z
    .union([word, z.array(word).min(1)])
    .default('synthetic')
    .transform((given) => (typeof given === 'string' ? [given] : given))
    .refine((traces) => !traces.some((trace) => /^synthetic#\d*:\d*$/.test(trace)), {
      error: 'routing that is drawn has no rows to choose from; say how many tokens (--tokens)',
    }),
  traceFormat: word.superRefine(known(checkFormatName)).optional(),
  traceColumns: traceColumns.optional(),
  variants: z
    .union([word, z.array(word).min(1)])
    .transform((given) => (typeof given === 'string' ? [given] : given))
    .pipe(z.array(written(parseVariant, word)))
    .optional(),
  memory: memory.prefault({}),
  workload: workload.prefault({}),
  faults: faultsSchema.optional(),
  replay: z.enum(REPLAYS).default('atomic'),
  bounds: z.boolean().default(true),
  found: z.enum(['short', 'all', 'none']).default('short'),
  audit: z.enum(['off', 'warn', 'strict']).default('warn'),
  seed: z.int().default(1),
  budgets: budgetsSchema.default([]),
});

/** A checked run profile with defaults; the system is still a name or unchecked. */
export type RunProfile = z.infer<typeof runSchema>;

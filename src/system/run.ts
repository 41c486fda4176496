// A run profile: which model on which machine under which system with which routing. Flags override any of it.
import { dirname } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../base/errors.js';
import { findProfile } from '../base/profiles.js';
import { BYTES, COUNT } from '../base/units.js';
import { checkValue, locateYaml, type Override, quantity, readText } from '../base/yaml.js';
import { budgetsSchema } from '../result/budget.js';
import { KV_GROWTH } from '../schedule/kv-room.js';
import { parseObjectives } from '../schedule/objective.js';
import { REPLAYS } from './choices.js';
import { faultsSchema } from './faults.js';

/** A size of the expert cache, read later: it depends on the model. */
const capacity = z.union([z.string().min(1), z.number().nonnegative()]).transform(String);

/** Objectives, read where they stand, so that a mistake is told with its place. */
const objectives = z.string().transform((text, context) => {
  try {
    return { text, limits: parseObjectives(text) };
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error), input: text });
    return z.NEVER;
  }
});

/** Schema of `profiles/runs/*.yaml`, and of what `simulate` takes. */
export const runSchema = z.strictObject({
  /** Name or path of a model; absent: as the trace says. */
  model: z.string().min(1).optional(),
  /** Storage format of the weights; absent: as the model profile says. */
  quantization: z.string().min(1).optional(),
  hardware: z.string().min(1).default('rtx-4090'),
  /** Name or path of a system, or a system in place (checked by `system.ts`). */
  system: z.union([z.string().min(1), z.looseObject({})]).default('on-demand-lru'),
  /** Paths of traces of one model, `-` (JSONL on stdin), or `synthetic`. */
  trace: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .default('synthetic')
    .transform((given) => (typeof given === 'string' ? [given] : given)),
  /** Format of the traces; absent: recognised. */
  traceFormat: z.string().min(1).optional(),
  /** Which columns of a CSV, JSON lines or Parquet table hold what; absent: the usual names. */
  traceColumns: z
    .strictObject({
      layer: z.string().min(1),
      /** One id, a list of them, or (Parquet) the columns `<name>_0`, `<name>_1` and so on. */
      experts: z.string().min(1),
      token: z.string().min(1).optional(),
      request: z.string().min(1).optional(),
      phase: z.string().min(1).optional(),
      weights: z.string().min(1).optional(),
      tokenId: z.string().min(1).optional(),
    })
    .optional(),
  /** Routing variants, the first closest to the trace: `top-k=4`, `top-p=0.9`, `random` and so on (src/trace/variants). Absent: none. */
  variants: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .transform((given) => (typeof given === 'string' ? [given] : given))
    .optional(),
  memory: z
    .strictObject({
      /** `8GiB`, `25%` of all experts, or `16/layer`; absent: what the GPU has left. */
      expertCache: capacity.optional(),
      /** DRAM for experts, where it is a cache of the SSD; absent: all of it, if it cannot hold every expert. */
      dramCache: capacity.optional(),
      /** Room for KV caches; absent: for as many of the longest requests as run at once, or as the GPU leaves where requests arrive. */
      kv: quantity(BYTES).optional(),
      /** `static`: a room of their own; `reserve`, `grow`: they and the expert cache share what there is. Absent: static. */
      kvGrowth: z.enum(KV_GROWTH).optional(),
      /** With `reserve` and `grow`: the expert cache gives up no more; absent: what one token touches, at most half of what is shared. */
      minExpertCache: capacity.optional(),
    })
    .prefault({}),
  workload: z
    .strictObject({
      /** File of arrivals, `poisson:rate=2` or `gamma:rate=2,cv=2`; absent: a closed loop of `batch` users. */
      arrivals: z.string().min(1).optional(),
      /** Requests per second: scales the times of a file, or is the rate of a process. */
      rate: z.number().positive().optional(),
      /** Most requests; absent: all (processes: 100). */
      requests: z.int().positive().optional(),
      /** What a request must keep to count as goodput: `ttft=2s,tpot=100ms`, or by class `chat:ttft=1s;batch:request=1min`. */
      slo: objectives.optional(),
      /** Concurrent requests; a million at most, since each has a state of its own from the start. */
      batch: z.int().positive().max(1_000_000).default(1),
      /** Tokens to replay, from the start of the trace; absent: all (synthetic: 512). */
      tokens: quantity(COUNT)
        .refine((tokens) => tokens > 0, { error: 'must be more than 0' })
        .refine((tokens) => tokens <= 1e9, { error: 'must be at most 1e9; a part of the trace says the same' })
        .optional(),
      /** Most tokens of one pass (chunked prefill). */
      maxTokensPerPass: z.int().positive().default(512),
      /** Prompt and generated tokens of one request, where routing is synthetic or arrivals are drawn. */
      prompt: z.int().nonnegative().default(128),
      output: z.int().positive().default(128),
    })
    .prefault({}),
  /** What goes wrong with the machine during the run; absent: nothing does. */
  faults: faultsSchema.optional(),
  /** `atomic`: a pass at a layer is one event (L2); `sequential`: every activation is, as in classical cache simulators (L7). */
  replay: z.enum(REPLAYS).default('atomic'),
  /** Count the hits of the Belady bound beside the run. */
  bounds: z.boolean().default(true),
  /** Look for traps in recorded traces before they are replayed: findings become warnings, or with `strict` errors. */
  audit: z.enum(['off', 'warn', 'strict']).default('warn'),
  seed: z.int().default(1),
  /** Budgets that the result must keep. */
  budgets: budgetsSchema.default([]),
});

/** A checked run. */
export interface RunSpec extends z.infer<typeof runSchema> {
  /** Where it stands, for messages. */
  readonly label: string;
  /** Folder that paths in it are relative to. */
  readonly folder: string;
  /** Values inside the model, hardware and system profiles that it names. */
  readonly overrides: Readonly<Record<'model' | 'hardware' | 'system', readonly Override[]>>;
}
/** What a run profile may say; all fields are optional. */
export type RunInput = z.input<typeof runSchema>;

/**
 * Reads a run profile.
 * @param nameOrPath bundled name, or a path
 * @param overrides flags and `--set` values; paths below `model`, `hardware` and `system` reach into those profiles
 * @throws UserError
 */
export function loadRun(nameOrPath: string, overrides: readonly Override[] = []): RunSpec {
  const path = findProfile('runs', nameOrPath);
  const { own, inner } = partition(overrides);
  return { ...locateYaml(readText(path), path, runSchema, own).value, label: path, folder: dirname(path), overrides: inner };
}

/**
 * Checks a run that stands in no file.
 * @param label where it comes from, for messages
 * @throws UserError
 */
export function checkRun(input: unknown, label: string, overrides: readonly Override[] = []): RunSpec {
  const { own, inner } = partition(overrides);
  return { ...checkValue(input, label, runSchema, own), label, folder: process.cwd(), overrides: inner };
}

function partition(overrides: readonly Override[]): { own: readonly Override[]; inner: RunSpec['overrides'] } {
  const within = (root: string): Override[] =>
    overrides.filter(({ path }) => path[0] === root && path.length > 1).map((given) => ({ ...given, path: given.path.slice(1) }));
  const inner = { model: within('model'), hardware: within('hardware'), system: within('system') };
  const own = overrides.filter(({ path }) => path.length === 1 || !Object.hasOwn(inner, path[0]!));
  return { own, inner };
}

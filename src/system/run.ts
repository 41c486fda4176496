// A run profile: which model on which machine under which system with which routing. Flags override any of it.
import { dirname } from 'node:path';
import { z } from 'zod';
import { placed, UserError } from '../base/errors.js';
import { findProfile, type ProfileFamily, shownPath } from '../base/profiles.js';
import { BYTES, COUNT } from '../base/units.js';
import { issueOf, known, written } from '../base/written.js';
import { type Located, locateValue, locateYaml, type Override, type Places, quantity, readText } from '../base/yaml.js';
import { parseCapacity } from '../cache/capacity.js';
import { findQuantization } from '../model/quantization.js';
import { budgetsSchema } from '../result/budget.js';
import { parseArrivals } from '../schedule/arrivals/load.js';
import { KV_GROWTH } from '../schedule/kv-room.js';
import { parseObjectives } from '../schedule/objective.js';
import { formatNamed } from '../trace/formats/index.js';
import { parseVariant } from '../trace/variants/index.js';
import { REPLAYS } from './choices.js';
import { faultsSchema } from './faults.js';
import { loadSystem, type SystemSpec, systemSchema } from './system.js';

/** Where experts are kept: a size, or a share of them. */
const capacity = z
  .union([z.string().min(1), z.number().nonnegative()])
  .transform(String)
  .pipe(written(parseCapacity));

/** The name of a profile of a family, or a path. */
const profileOf = (family: ProfileFamily) =>
  z
    .string()
    .min(1)
    .superRefine(known((name) => findProfile(family, name)));

/** Schema of `profiles/runs/*.yaml`, and of what `simulate` takes. */
export const runSchema = z.strictObject({
  /** Name or path of a model; absent: as the trace says. */
  model: profileOf('models').optional(),
  /** Storage format of the weights; absent: as the model profile says. */
  quantization: z.string().min(1).superRefine(known(findQuantization)).optional(),
  hardware: profileOf('hardware').default('rtx-4090'),
  /** Name or path of a system, or a system in place (checked by `system.ts`). */
  system: z.union([z.string().min(1), z.looseObject({})]).default('on-demand-lru'),
  /** Paths of traces of one model, `-` (JSONL on stdin), or `synthetic`. */
  trace: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .default('synthetic')
    .transform((given) => (typeof given === 'string' ? [given] : given)),
  /** Format of the traces; absent: recognised. */
  traceFormat: z.string().min(1).superRefine(known(formatNamed)).optional(),
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
    .pipe(z.array(written(parseVariant)))
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
      arrivals: written(parseArrivals).optional(),
      /** Requests per second: scales the times of a file, or is the rate of a process. */
      rate: z.number().positive().optional(),
      /** Most requests; absent: all (processes: 100). */
      requests: z.int().positive().optional(),
      /** What a request must keep to count as goodput: `ttft=2s,tpot=100ms`, or by class `chat:ttft=1s;batch:request=1min`. */
      slo: z
        .string()
        .transform((text, context) => issueOf(context, [], () => parseObjectives(text)))
        .optional(),
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

type CheckedRun = z.infer<typeof runSchema>;

/** A checked run. */
export interface RunSpec extends Omit<CheckedRun, 'system'> {
  readonly system: SystemSpec;
  /** Where it stands, for messages. */
  readonly label: string;
  /** Where its values stand, those of the system below `system`; what is not here is a default. */
  readonly places: Places;
  /** Folder that paths in it are relative to. */
  readonly folder: string;
  /** Values inside the model and hardware profiles that it names. */
  readonly overrides: Readonly<Record<'model' | 'hardware', readonly Override[]>>;
}
/** What a run profile may say; all fields are optional. */
export type RunInput = z.input<typeof runSchema>;

/**
 * Reads a run profile, and the system that it names.
 * @param nameOrPath bundled name, or a path
 * @param overrides flags and `--set` values; paths below `model`, `hardware` and `system` reach into those profiles
 * @throws UserError
 */
export function loadRun(nameOrPath: string, overrides: readonly Override[] = []): RunSpec {
  const path = findProfile('runs', nameOrPath);
  const label = shownPath(path);
  return specOf(label, dirname(path), overrides, (own) => locateYaml(readText(path), label, runSchema, own));
}

/**
 * Checks a run that stands in no file, and reads the system that it names.
 * @param label where it comes from, for messages
 * @throws UserError
 */
export function checkRun(input: unknown, label: string, overrides: readonly Override[] = []): RunSpec {
  return specOf(label, process.cwd(), overrides, (own) => locateValue(input, label, runSchema, own));
}

/**
 * A mistake in a value of a run that only the run as a whole shows.
 * @param path dotted; values of the system begin with `system`
 * @param message what is wrong, and what to write instead
 */
export function misfit({ label, places }: Pick<RunSpec, 'label' | 'places'>, path: string, message: string): UserError {
  return new UserError(`${placeIn({ label, places }, path)}: ${path}: ${message}`);
}

/** Where a value of a run stands, or the nearest that it is part of; the run as a whole, where it is a default. */
export function placeIn({ label, places }: Pick<RunSpec, 'label' | 'places'>, path: string): string {
  const steps = path.split('.');
  const given = steps.map((_, length) => steps.slice(0, steps.length - length).join('.')).find((parent) => parent in places);
  return given === undefined ? label : places[given]!;
}

function specOf(
  label: string,
  folder: string,
  overrides: readonly Override[],
  locate: (own: readonly Override[]) => Located<CheckedRun>,
): RunSpec {
  const within = (root: string): Override[] =>
    overrides.filter(({ path }) => path[0] === root && path.length > 1).map((given) => ({ ...given, path: given.path.slice(1) }));
  const inner = { model: within('model'), hardware: within('hardware') };
  const elsewhere = (root: string): boolean => root === 'system' || Object.hasOwn(inner, root);
  const located = locate(overrides.filter(({ path }) => path.length === 1 || !elsewhere(path[0]!)));
  const system = systemOf(located, folder, within('system'));
  const ofSystem = Object.entries(system.places).map(([path, place]) => [`system.${path}`, place]);
  const places = { ...located.places, ...Object.fromEntries(ofSystem) };
  return { ...located.value, system: system.value, label, places, folder, overrides: inner };
}

/** The system of a run: the one that it names, or the one that stands in it. */
function systemOf(run: Located<CheckedRun>, folder: string, overrides: readonly Override[]): Located<SystemSpec> {
  const { system } = run.value;
  if (typeof system !== 'string') return run.part(['system'], systemSchema, overrides);
  const path = placed(`${run.place('system')}: system`, () => findProfile('systems', system, folder));
  return loadSystem(path, folder, overrides);
}

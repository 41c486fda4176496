import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { isObject, ownValue } from '../base/objects.js';
import { findProfile, shownPath } from '../base/profiles.js';
import { BYTES, COUNT, DURATION, RATE, SHARE } from '../base/units.js';
import { onOff } from '../base/written.js';
import { type Override, positiveQuantity, quantity, readYaml } from '../base/yaml.js';
import { NUMA } from './spec.js';

const share = positiveQuantity(SHARE);
const duration = quantity(DURATION);

const byFormat = <T extends z.ZodType<number>>(value: T) => z.record(z.string().min(1), value);

const before = z.union([z.number().positive(), ...[SHARE, DURATION, RATE].map((dimension) => positiveQuantity(dimension))]);

const gpu = z.strictObject({
  bandwidth: byFormat(share).optional(),
  covered: share.optional(),
  compute: share.optional(),
  halved: z.number().positive().optional(),
  fused: onOff.optional(),
  tile: z.number().nonnegative().optional(),
  attention: z.strictObject({ bandwidth: share, compute: share, vector: share }).optional(),
  flashAttention: onOff.optional(),
  latent: z.enum(['absorbed', 'unpacked']).optional(),
  several: z.enum(['layers', 'tensor', 'experts']).optional(),
});

const cpu = z.strictObject({
  bandwidth: share.optional(),
  memory: byFormat(share).optional(),
  core: byFormat(positiveQuantity(RATE)).optional(),
  recurrence: z.number().positive().optional(),
  operations: z.record(z.string().min(1), z.number().positive()).optional(),
  products: byFormat(share).optional(),
  attention: z.strictObject({ prompt: z.number().positive(), vector: z.number().positive() }).optional(),
  generations: byFormat(z.number().positive()).optional(),
  weightsPerCycle: byFormat(z.number().positive()).optional(),
  layer: duration.optional(),
  barrier: duration.optional(),
  numa: z.enum(NUMA).optional(),
  sockets: share.optional(),
  untuned: share.optional(),
  together: share.optional(),
});

const copy = z.strictObject({
  efficiency: share.optional(),
  staging: z.union([positiveQuantity(RATE), z.literal('none')]).optional(),
  pins: onOff.optional(),
  host: duration.optional(),
  pieces: z.int().positive().optional(),
  overlap: z.enum(['none', 'copy', 'full']).optional(),
});

const windows = z.strictObject({ handover: duration.optional() });

const host = z.strictObject({ clock: z.number().positive() });

const prompt = z.strictObject({
  ubatch: quantity(COUNT).optional(),
  counts: z.enum(['pass', 'expert']).optional(),
  offloadFrom: z.union([quantity(COUNT), z.literal('never'), z.literal('cheaper')]).optional(),
});

const read = z.strictObject({
  size: z.union([z.literal('expert'), positiveQuantity(BYTES)]),
  inFlight: z.int().positive().default(1),
});

/** Schema of `profiles/runtimes/*.yaml`, documented in profiles/fields.txt. */
export const runtimeSchema = z.strictObject({
  name: z.string().min(1),
  cites: z.string().optional(),
  base: z.string().min(1).optional(),
  fitted: z
    .strictObject({
      on: z.string().min(1),
      constants: z.array(z.string().min(1)),
      before: z.record(z.string().min(1), before).default({}),
    })
    .optional(),
  assumed: z.string().min(1).optional(),
  pass: duration.optional(),
  layer: duration.optional(),
  expert: duration.optional(),
  handover: duration.optional(),
  windows: windows.optional(),
  host: host.optional(),
  gpu: gpu.optional(),
  cpu: cpu.optional(),
  copy: copy.optional(),
  prompt: prompt.optional(),
  read: read.optional(),
  prediction: z.number().nonnegative().optional(),
});

/** Runtime constants that a machine may override by measurement. */
export const runtimeConstantsSchema = runtimeSchema.pick({
  pass: true,
  layer: true,
  expert: true,
  handover: true,
  gpu: true,
  cpu: true,
  copy: true,
  windows: true,
});

/** Checked constants of a machine. */
export type RuntimeConstants = z.infer<typeof runtimeConstantsSchema>;

type RuntimeProfile = z.infer<typeof runtimeSchema>;
type Filled<T> = { readonly [K in keyof T]-?: NonNullable<T[K]> };

type MayLack = 'attention' | 'recurrence' | 'untuned';

/** A runtime with its base filled in. Times in ns, shares in (0, 1]. */
export interface RuntimeSpec extends Filled<Pick<RuntimeProfile, 'name' | 'pass' | 'layer' | 'expert' | 'handover'>> {
  /** Fitted constants of the runtime without its base, and their measurements. */
  readonly fitted: NonNullable<RuntimeProfile['fitted']> | null;
  /** Sentences on assumptions; null: as well known as any runtime. */
  readonly assumed: string | null;
  /** Null: host times are equal on every CPU. */
  readonly host: { /** GHz */ readonly clock: number } | null;
  readonly windows: z.infer<typeof windows>;
  readonly gpu: Filled<z.infer<typeof gpu>>;
  readonly cpu: Filled<Omit<z.infer<typeof cpu>, MayLack>> & Pick<z.infer<typeof cpu>, MayLack>;
  readonly copy: Filled<z.infer<typeof copy>>;
  readonly read: z.infer<typeof read>;
  /** Charged multiple of measured prediction time; 0: not charged. */
  readonly prediction: number;
  readonly prompt: {
    readonly ubatch: number;
    readonly counts: 'pass' | 'expert';
    /** Null: never; `cheaper`: if the GPU finishes sooner. */
    readonly offloadFrom: number | 'cheaper' | null;
  };
}

/** Most levels of bases; ours. */
const MOST_BASES = 4;

/**
 * Loads a runtime. @param nameOrPath bundled, or a file relative to `relativeTo` @param overrides of values @throws
 * UserError for a missing file or constant
 */
export function loadRuntime(nameOrPath: string, relativeTo?: string, overrides: readonly Override[] = []): RuntimeSpec {
  const path = findProfile('runtimes', nameOrPath, relativeTo);
  const profile = readYaml(path, runtimeSchema, overrides);
  let whole = profile;
  let { base } = profile;
  for (let depth = 0; base !== undefined; depth++) {
    if (depth === MOST_BASES) throw new UserError(`${shownPath(path)}: base: more than ${MOST_BASES} runtimes deep; name a nearer one`);
    const below = readYaml(findProfile('runtimes', base), runtimeSchema);
    whole = merged(withoutOthersKernels(below, whole), whole) as RuntimeProfile;
    base = below.base;
  }
  return filled(whole, profile, shownPath(path));
}

function withoutOthersKernels(below: RuntimeProfile, above: RuntimeProfile): RuntimeProfile {
  return above.cpu?.operations === undefined ? below : { ...below, cpu: { ...below.cpu, products: {} } };
}

/** The runtime with a machine's constants. */
export function withConstants(runtime: RuntimeSpec, constants: RuntimeConstants): RuntimeSpec {
  return merged({ ...runtime }, constants) as unknown as RuntimeSpec;
}

/** Constants that differ between runtimes of a kind, to four digits; empty groups are left out. */
export function constantsApart(base: RuntimeSpec, other: RuntimeSpec): RuntimeConstants {
  const { copy, cpu, expert, gpu, handover, layer, pass, windows: onWindows } = other;
  return (differing(base, { pass, layer, expert, handover, gpu, cpu, copy, windows: onWindows }) ?? {}) as RuntimeConstants;
}

function differing(base: unknown, other: unknown): unknown {
  if (typeof other === 'number') return Math.abs(other - (base as number)) <= 1e-4 * other ? undefined : Number(other.toPrecision(4));
  if (!isObject(other)) return undefined;
  const changed = Object.entries(other).flatMap(([key, value]) => {
    const changed = differing(ownValue(base, key), value);
    return changed === undefined ? [] : [[key, changed] as const];
  });
  return changed.length === 0 ? undefined : Object.fromEntries(changed);
}

function merged(below: Readonly<Record<string, unknown>>, above: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const over = Object.entries(above).map(([key, value]) => {
    const under = ownValue(below, key);
    return [key, isObject(value) && isObject(under) ? merged(under, value) : value];
  });
  return { ...below, ...Object.fromEntries(over) };
}

/** Required constants of a runtime and its bases. A table needs a default value. */
const NEEDED = [
  ...['pass', 'layer', 'expert', 'handover', 'gpu.bandwidth', 'gpu.bandwidth.default', 'gpu.compute', 'gpu.attention', 'gpu.several'],
  ...['cpu.bandwidth', 'cpu.operations', 'cpu.operations.default', 'cpu.layer', 'cpu.numa', 'cpu.sockets'],
  ...['copy.efficiency', 'copy.host', 'copy.pieces', 'copy.overlap', 'prompt.ubatch', 'prompt.counts', 'prompt.offloadFrom'],
];

/** Defaults of optional constants. */
const UNSAID = {
  host: null,
  windows: {},
  gpu: { flashAttention: true, latent: 'absorbed', halved: 1, tile: 0, fused: false, covered: 0 },
  cpu: { barrier: 0, weightsPerCycle: {}, memory: { default: 1 }, core: {}, generations: {}, products: {}, together: 1 },
  copy: { staging: 'none', pins: true },
  prediction: 1,
  read: { size: 'expert', inFlight: 1 },
} as const;

function filled({ base: _base, cites: _cites, ...whole }: RuntimeProfile, upper: RuntimeProfile, label: string): RuntimeSpec {
  for (const name of NEEDED) {
    const value = name.split('.').reduce<unknown>((under, key) => ownValue(under, key), whole);
    if (value !== undefined) continue;
    const [table, isTable] = [name.replace(/\.default$/, ''), name.endsWith('.default')];
    const remedy = isTable
      ? 'needs a value for all others; add default'
      : 'is missing; give it, or name a base that has it (base: llama.cpp)';
    throw new UserError(`${label}: ${table}: ${remedy}`);
  }
  const { assumed = null, fitted = null, name } = upper;
  const { offloadFrom, ...prompt } = whole.prompt!;
  const values = { ...whole, name, fitted, assumed, prompt: { ...prompt, offloadFrom: offloadFrom === 'never' ? null : offloadFrom } };
  return merged(UNSAID, values) as unknown as RuntimeSpec;
}

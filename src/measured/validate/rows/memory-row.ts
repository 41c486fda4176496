import { z } from 'zod';
import { definedFields } from '../../../base/objects.js';
import { unknownProgram } from '../../../runtime/door.js';

const text = z.string().min(1);
const count = z.int().nonnegative();
const mib = z.number().nonnegative();

/** Schema of a known program; constants of a wrong program are off by a factor. */
export const program = text.superRefine((name, context) => {
  const unknown = unknownProgram(name);
  if (unknown !== null) context.addIssue({ code: 'custom', message: unknown });
});

const device = z.looseObject({
  name: text,
  model_mib: mib.optional(),
  kv_mib: mib.optional(),
  compute_mib: mib.optional(),
});

/** Schema of a memory row. */
export const memoryRowSchema = z.looseObject({
  id: text,
  source: text.optional(),
  thread: text.optional(),
  engine: program,
  version: text.optional(),
  class: z.enum(['gpu', 'hybrid', 'cpu']),
  model: text,
  quant: text.optional(),
  file_gib: z.number().positive().optional(),
  total_params: text.optional(),
  flags: text.optional(),
  ngl: count.optional(),
  n_cpu_moe: count.optional(),
  cpu_moe: z.boolean().optional(),
  ot: z.array(text).optional(),
  offloaded: text.optional(),
  ctx: z.int().positive().optional(),
  ubatch: z.int().positive().optional(),
  batch: z.int().positive().optional(),
  kv_type: text.optional(),
  flash_attention: z.boolean().optional(),
  mla: count.optional(),
  attn_max_batch: count.optional(),
  fused_moe: z.boolean().optional(),
  pipeline_copies: z.int().positive().optional(),
  devices: z.array(device).min(1),
  note: z.string().optional(),
});

/** Memory allocated by a load on each device, with settings. */
export type MemoryRow = z.infer<typeof memoryRowSchema>;

/** Kinds of allocated memory. */
export const MEMORY_KINDS = ['weights', 'kv', 'compute'] as const;
/** One of {@link MEMORY_KINDS}. */
export type MemoryKind = (typeof MEMORY_KINDS)[number];

/** Memory of a device by kind, MiB. */
export type DeviceMib = Readonly<Partial<Record<MemoryKind, number>>>;

const isHost = (name: string): boolean => /^(CPU|Host|BLAS)|_Host$/.test(name);

/** GPUs of a row in order, and total host memory. */
export function measuredDevices({ devices }: MemoryRow): { readonly gpus: readonly DeviceMib[]; readonly host: DeviceMib } {
  const of = ({ compute_mib: compute, kv_mib: kv, model_mib: weights }: MemoryRow['devices'][number]): DeviceMib =>
    definedFields({ weights, kv, compute });
  const host = devices.filter(({ name }) => isHost(name));
  return { gpus: devices.filter(({ name }) => !isHost(name)).map(of), host: sumOfDevices(host.map(of)) };
}

/** Sum of devices; incomplete kinds are left out. */
export function sumOfDevices(devices: readonly DeviceMib[]): DeviceMib {
  const sums = MEMORY_KINDS.flatMap((kind) => {
    const values = devices.map((device) => device[kind]);
    return values.length === 0 || values.includes(undefined) ? [] : [[kind, values.reduce<number>((sum, bytes) => sum + bytes!, 0)]];
  });
  return Object.fromEntries(sums) as DeviceMib;
}

/** True for a BLAS build: a CPU compute buffer besides the buffer shared with GPUs. */
export function hasBlas({ devices }: MemoryRow): boolean {
  const computes = (pattern: RegExp): boolean => devices.some(({ compute_mib, name }) => pattern.test(name) && (compute_mib ?? 0) > 0);
  return computes(/^CPU$/) && computes(/_Host$/);
}

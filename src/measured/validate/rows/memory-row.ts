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
  name: text.describe('As printed: CUDA0, Vulkan1, Metal for a GPU; CPU, CPU_Mapped, CUDA_Host, Host for host memory, which is added up.'),
  model_mib: mib.optional().describe('Weights, MiB.'),
  kv_mib: mib.optional().describe('KV cache, and states of recurrent layers, MiB.'),
  compute_mib: mib.optional().describe('Compute buffer, MiB.'),
});

/** Schema of a memory row. */
export const memoryRowSchema = z.looseObject({
  id: text.describe('Name of the row, unique in its file.'),
  source: text.optional().describe('Where the log is published.'),
  thread: text.optional().describe('The same in short: rows of one thread share it.'),
  engine: program.describe('llama.cpp or ik_llama.cpp.'),
  version: text.optional().describe('Build as printed: 3808 (38012f72).'),
  class: z.enum(['gpu', 'hybrid', 'cpu']).describe('Weights on GPUs, on both sides, or in host memory.'),
  model: text.describe('Name of a bundled profile.'),
  quant: text.optional().describe('File type as printed, e.g. Q4_K - Medium.'),
  file_gib: z.number().positive().optional().describe('Size of the model as printed, GiB.'),
  total_params: text.optional().describe('Parameters as printed, e.g. 671.026 B.'),
  flags: text.optional().describe('Command line, without paths.'),
  ngl: count.optional().describe('Layers on GPUs (-ngl).'),
  n_cpu_moe: count.optional().describe('Layers with experts in host memory (--n-cpu-moe).'),
  cpu_moe: z.boolean().optional().describe('Experts of all layers in host memory (--cpu-moe).'),
  ot: z.array(text).optional().describe('Overrides of tensors (-ot), e.g. exps=CPU.'),
  offloaded: text.optional().describe('Layers on GPUs of all, as printed: 62/62.'),
  ctx: z.int().positive().optional().describe('Context as the engine rounds it, tokens of all sequences.'),
  ubatch: z.int().positive().optional().describe('Tokens of a forward pass.'),
  batch: z.int().positive().optional().describe('Tokens of a call.'),
  kv_type: text.optional().describe('Type of the KV cache: f16, or f16/q8_0 for keys and values.'),
  flash_attention: z.boolean().optional().describe('Flash attention is on.'),
  mla: count.optional().describe('Variant of latent attention (ik_llama.cpp, -mla).'),
  attn_max_batch: count.optional().describe('Limit of intermediate results of attention, MiB (-amb); 0: none.'),
  fused_moe: z.boolean().optional().describe('Up and gate of an expert are one operation (-fmoe).'),
  pipeline_copies: z.int().positive().optional().describe('Copies for pipeline parallelism, as printed.'),
  devices: z.array(device).min(1).describe('What each device holds.'),
  note: z.string().optional().describe('Anything else.'),
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

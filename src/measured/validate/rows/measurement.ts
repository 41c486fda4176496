import { z } from 'zod';
import { messageOf, UserError } from '../../../base/errors.js';
import { bytesOf } from '../../../base/host/bytes.js';
import { readText } from '../../../base/input-file.js';
import { parseJsonBytes } from '../../../base/nesting.js';
import { isObject, ownValue } from '../../../base/objects.js';
import { describeIssue, innermost } from '../../../base/schema-issues.js';
import { editDistance } from '../../../base/text.js';
import { type HitRow, hitRowSchema } from './hit-row.js';
import { type MemoryRow, memoryRowSchema, program } from './memory-row.js';

const text = z.string().min(1);
const positive = z.number().positive();
const share = z.number().min(0).max(1);
const count = z.int().nonnegative();
const whole = z.int().positive();
const processor = z.enum(['cpu', 'gpu']);

const gpu = z.looseObject({
  name: text.describe('Name of the card, e.g. rtx-3090.'),
  memory_gb: positive.optional().describe('Memory, GB.'),
  memory_gbps: positive.optional().describe('Memory bandwidth of the data sheet, GB/s.'),
  measured_gbps: positive.optional().describe('Memory bandwidth as measured, GB/s; it takes precedence.'),
  fp16_tflops: positive.optional().describe('Dense matrix throughput with FP32 accumulation, TFLOP/s.'),
  pcie: z
    .looseObject({
      gen: z.int().min(1).max(8).describe('Generation.'),
      lanes: z.int().min(1).max(32).describe('Lanes.'),
      measured_gbps: positive.optional().describe('Bandwidth of copies to the card as measured, GB/s.'),
    })
    .optional()
    .describe('How the card is attached.'),
});

const machine = z.looseObject({
  name: text.describe('Name that tells machines apart; rows of one machine share it.'),
  gpus: z.array(gpu).describe('The cards in use; none: only the CPU computes.'),
  cpu: z
    .looseObject({
      name: text.optional().describe('Name of the processor, e.g. ryzen-9-7950x.'),
      cores: whole.optional().describe('Usable cores of all sockets in use.'),
      ghz: positive.optional().describe('Base clock, GHz.'),
      isa: text.optional().describe('Widest instruction set: avx2, avx512, avx512-vnni, amx, neon.'),
      sockets: whole.optional().describe('Sockets in use.'),
    })
    .optional()
    .describe('The processor.'),
  ram: z
    .looseObject({
      gb: positive.optional().describe('Size, GB.'),
      type: text.optional().describe('ddr4, ddr5, lpddr5x and the like.'),
      mts: positive.optional().describe('Million transfers a second.'),
      channels: whole.optional().describe('Channels of all sockets, 64 bits wide each (lpddr5x: 32).'),
      measured_gbps: positive.optional().describe('Bandwidth as STREAM measures it, GB/s; it takes precedence.'),
    })
    .optional()
    .describe('Host memory.'),
  ssd: z
    .looseObject({
      gbps: positive.describe('Sequential reads, GB/s.'),
      measured: z.boolean().optional().describe('false: of the data sheet.'),
    })
    .optional()
    .describe('The disk that experts are read from.'),
  os: text.optional().describe('Operating system.'),
  unified: z.boolean().optional().describe('GPU and CPU share one memory.'),
  note: text.optional().describe('Anything else.'),
});

const model = z.looseObject({
  name: text.describe('Name of a bundled profile, or of the model whose shape follows.'),
  bundled: z.boolean().optional().describe('moeprof has a profile of it.'),
  variant: text.optional().describe('The model really used, where a profile of the same shape stands for it.'),
  quant: text
    .optional()
    .describe('Storage format of the file, e.g. q4_k_m, iq2_k_r4, fp8; mix-NAME with model.bits for any mix of k-quants.'),
  bits: positive.max(32).optional().describe('Bits per weight over the whole file.'),
  file_gb: positive.optional().describe('Size of the file, GB.'),
  shape: z
    .looseObject({
      layers: count.describe('Decoder layers.'),
      moe_layers: count.describe('Those that have experts.'),
      experts: whole.describe('Routed experts of a layer.'),
      top_k: whole.describe('Experts that a token chooses.'),
      hidden: whole.describe('Width of the residual stream.'),
      expert_intermediate: whole.describe('Width of one expert.'),
      shared_experts: count.optional().describe('Shared experts of the same width.'),
      total_b: positive.describe('All parameters, billions.'),
      active_b: positive.describe('Parameters that a token uses, billions.'),
    })
    .optional()
    .describe('Of a model that moeprof has no profile of.'),
});

const placement = z.looseObject({
  kind: z
    .enum(['cpu-layers', 'cpu-share', 'expert-cache', 'all-gpu', 'all-cpu', 'ssd-stream'])
    .describe('Where the experts lie: whole layers or a part of each layer in host memory, a cache on the GPU, or all in one place.'),
  cpu_moe_layers: z.number().nonnegative().optional().describe('Layers with experts in host memory; leading dense layers do not count.'),
  gpu_moe_layers: z.number().nonnegative().optional().describe('Layers with experts on the GPU.'),
  gpu_expert_share: share.optional().describe('Part of all experts that lies on the GPU.'),
  whole_layers: z.boolean().optional().describe('Layers lie in host memory with their attention.'),
  where: processor.optional().describe('Who computes experts in host memory while decoding.'),
  prefill_where: processor.optional().describe('The same for long prompts.'),
  policy: text.optional().describe("Policy of an expert cache; with parameters after a colon it is moeprof's own."),
  cache_slots: z.number().nonnegative().optional().describe('Experts that the cache holds in all.'),
  cache_experts_per_layer: z.number().nonnegative().optional().describe('Experts that the cache holds of each layer.'),
  cache_gb: z.number().nonnegative().optional().describe('Size of the cache, GB.'),
  note: text.optional().describe('Anything else.'),
});

const run = z.looseObject({
  threads: whole.optional().describe('Threads that compute.'),
  ubatch: whole.optional().describe('Most tokens of one forward pass.'),
  kv: text.optional().describe('Type of the KV cache: f16, q8_0, q4_0.'),
  flash_attention: z.boolean().optional().describe('Flash attention is on.'),
  mmap: z.boolean().optional().describe('Weights are mapped from the file.'),
  repack: z.boolean().optional().describe('Weights are repacked for the CPU when they are loaded.'),
  fused_moe: z.boolean().optional().describe('Up and gate of an expert are one operation.'),
  mla: count.optional().describe('Variant of latent attention (ik_llama.cpp, -mla).'),
  numa: text.optional().describe('How sockets are used.'),
  depth: count.optional().describe('Tokens in the context when decoding, or the prompt, begins.'),
  context: whole.optional().describe('Length that KV memory is allocated for, tokens.'),
  pp_tokens: whole.optional().describe('Prompt tokens.'),
  tg_tokens: whole.optional().describe('Generated tokens.'),
  active_experts: whole.optional().describe("Experts that a token uses, where fewer than the model's."),
  batch_users: whole.optional().describe('Sequences at once; absent: 1.'),
  speculative: z
    .looseObject({
      kind: text.describe('mtp, draft and the like.'),
      draft: positive.optional().describe('Tokens drafted for each forward pass.'),
      acceptance: share.optional().describe('Part of the drafted tokens that is accepted.'),
      tokens_per_forward: positive.optional().describe('Tokens that a forward pass yields.'),
    })
    .optional()
    .describe('Speculative decoding.'),
});

const measured = z
  .looseObject({
    tg_tps: positive.optional().describe('Decode speed, tokens/s.'),
    pp_tps: positive.optional().describe('Prefill speed, tokens/s.'),
    hit_rate: share.optional().describe('Hit rate of the expert cache, 0 to 1.'),
    tpot_ms: positive.optional().describe('Mean time per output token of a user, ms.'),
    basis: z
      .enum(['decode', 'end-to-end'])
      .optional()
      .describe('decode: steps alone; end-to-end: prompts of other users run between them. Absent: decode.'),
  })
  .refine((given) => given.tg_tps !== undefined || given.pp_tps !== undefined || given.hit_rate !== undefined, {
    error: 'holds no figure; give at least one of tg_tps, pp_tps, hit_rate',
  });

const scorable = z.looseObject({
  tg: z.boolean().optional().describe('Its decode speed can be held against a prediction.'),
  pp: z.boolean().optional().describe('The same of prefill.'),
  hit: z.boolean().optional().describe('The same of the hit rate.'),
  tpot: z.boolean().optional().describe('Its decode speed is users over tpot_ms, and can be; absent: no.'),
  pair: z.boolean().optional().describe('Its gain over the row before it in its series can be, whatever is unknown of both; absent: no.'),
  cache: z.boolean().optional().describe('Its ratio to the first row of its series, which has no expert cache, can be; absent: no.'),
  unseen: z.boolean().optional().describe('Its gain was predicted once, after all that explains gains had been written; absent: no.'),
});

/** A name alone groups rows; the varied setting is unknown. */
const series = z.union([
  text.transform((id) => ({ id, vary: '' })),
  z.looseObject({ id: text.describe('Rows of one series share it.'), vary: text.describe('The one thing that varies in it.') }),
]);

/** Schema of a line. Unknown fields pass, unless nearly a known name. */
const measurementSchema = z.looseObject({
  id: text.describe('Name of the row, unique in its file.'),
  source: text.optional().describe('Where the figures are published.'),
  grade: z.enum(['A', 'B', 'C']).optional().describe('A: hardware and command are stated in full; C: much is missing.'),
  engine: program.describe('The program that ran: llama.cpp, ik_llama.cpp, ktransformers, vllm and so on.'),
  framework: program.optional().describe('The program whose code it ran in, where that is not its own.'),
  engine_version: text.optional().describe('Its version.'),
  machine: machine.describe('The machine.'),
  model: model.describe('The model and its format.'),
  placement: placement.describe('Where experts lie, and who computes them.'),
  run: run.prefault({}).describe('What ran.'),
  measured: measured.describe('What was measured; for a batch, of all sequences together.'),
  scorable: scorable.optional().describe('Which figures can be held against a prediction; absent: all.'),
  pathology: text
    .optional()
    .describe('Something went wrong that no specification tells: paging, numa and the like. Such a row is not scored.'),
  series: series.optional().describe('The series that it belongs to, or its name.'),
  also_series: series.optional().describe('Another one.'),
  flags: text.optional().describe('Command line, without paths.'),
  guessed: z.array(text).optional().describe('Fields that nobody stated.'),
  note: text.optional().describe('Anything else.'),
});

/** Figures of a run on a real machine, with inputs (docs/measurements.md). */
export type Measurement = z.infer<typeof measurementSchema>;

/** True for a cache under a policy of moeprof, with parameters. */
export const isOwnCache = ({ placement: { policy = '' } }: Measurement): boolean => policy.includes(':');

/** Letters by which a slip differs from a name, and the least length of a checked name; ours. */
const SLIP = 1;
const LONG_ENOUGH = 4;

/** Rows of a file, by kind. */
export interface MeasuredRows {
  readonly speed: readonly Measurement[];
  readonly memory: readonly MemoryRow[];
  readonly hits: readonly HitRow[];
}

/** Schema of any line, for editors. */
export const anyRowSchema = z.union([measurementSchema, memoryRowSchema, hitRowSchema]);

/** JSON lines, or `-`. @param skip receives errors of lines @throws UserError `file:line: field: what` */
export function readRows(path: string, skip?: (error: UserError) => void): MeasuredRows {
  return parseRows(readText(path, 'measurements'), path, skip);
}

/** @throws UserError as {@link readRows} */
export const readMeasurements = (path: string): readonly Measurement[] => readRows(path).speed;

/** Rows of a text. @param path for messages @throws UserError as {@link readRows} */
export function parseRows(content: string, path: string, skip?: (error: UserError) => void): MeasuredRows {
  const lineOf = new Map<string, number>();
  const [speed, memory, hits, skipped]: [Measurement[], MemoryRow[], HitRow[], UserError[]] = [[], [], [], []];
  for (const [index, line] of content.split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      const place = `${path}:${index + 1}`;
      const raw = withoutNulls(jsonOf(line, place));
      const kind = 'devices' in raw ? memoryRowSchema : 'curve' in raw ? hitRowSchema : measurementSchema;
      const row = checked(raw, kind, place) as { readonly id: string };
      const before = lineOf.get(row.id);
      if (before !== undefined) throw new UserError(`${place}: id: "${row.id}" stands in line ${before} too; give each row its own`);
      lineOf.set(row.id, index + 1);
      if (kind === memoryRowSchema) memory.push(row as MemoryRow);
      else if (kind === hitRowSchema) hits.push(row as HitRow);
      else speed.push(row as Measurement);
    } catch (error) {
      if (skip === undefined || !(error instanceof UserError)) throw error;
      skipped.push(error);
    }
  }
  if (speed.length + memory.length + hits.length === 0)
    throw skipped[0] ?? new UserError(`${path}: holds no measurement; write one JSON object a line (moeprof schema measurements)`);
  for (const error of skipped) skip!(error);
  return { speed, memory, hits };
}

/** @throws UserError `place: field: what is wrong` */
function checked<T extends z.ZodType>(raw: Record<string, unknown>, schema: T, place: string): z.infer<T> {
  const result = schema.safeParse(raw, { reportInput: true });
  if (!result.success) {
    const issues = result.error.issues.flatMap(innermost);
    const [first] = issues;
    const field = first!.path.map(String).join('.');
    const more = issues.length > 1 ? ` (${issues.length - 1} more)` : '';
    throw new UserError(`${place}: ${field === '' ? '' : `${field}: `}${describeIssue(first!, raw, schema)}${more}`);
  }
  refuseMistyped(raw, schema, place, []);
  return result.data;
}

function jsonOf(line: string, place: string): Record<string, unknown> {
  let raw: unknown;
  try {
    raw = parseJsonBytes(bytesOf(line), place);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${place}: is not JSON (${messageOf(error)}); write one object a line`);
  }
  if (isObject(raw)) return raw;
  throw new UserError(`${place}: is not a JSON object; write {"id": ..., "engine": ..., ...}`);
}

/** Removes null fields: null means unknown, like an absent field. */
function withoutNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutNulls) as T;
  if (typeof value !== 'object' || value === null) return value;
  const known = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(known.map(([key, field]) => [key, withoutNulls(field)])) as T;
}

/** Refuses near spellings of missing fields; further unknown fields pass. @throws UserError with the intended name */
function refuseMistyped(value: unknown, schema: z.ZodType, place: string, path: readonly string[]): void {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) {
    refuseMistyped(value, schema.unwrap() as z.ZodType, place, path);
    return;
  }
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    for (const [i, element] of value.entries()) refuseMistyped(element, schema.element as z.ZodType, place, [...path, String(i)]);
  }
  if (!(schema instanceof z.ZodObject) || typeof value !== 'object' || value === null) return;
  const fields = schema.shape as Readonly<Record<string, z.ZodType>>;
  const missing = Object.keys(fields).filter((key) => !Object.hasOwn(value, key));
  for (const [key, inner] of Object.entries(value)) {
    const field = ownValue(fields, key);
    if (field !== undefined) {
      refuseMistyped(inner, field, place, [...path, key]);
      continue;
    }
    const meant = missing.find((known) => editDistance(key, known, SLIP) <= SLIP);
    if (meant === undefined || key.length < LONG_ENOUGH) continue;
    throw new UserError(`${place}: ${[...path, key].join('.')}: unknown key "${key}"; did you mean "${meant}"?`);
  }
}

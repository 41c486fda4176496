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
const processor = z.enum(['cpu', 'gpu']);

const gpu = z.looseObject({
  name: text,
  memory_gb: positive.optional(),
  memory_gbps: positive.optional(),
  measured_gbps: positive.optional(),
  fp16_tflops: positive.optional(),
  pcie: z
    .looseObject({
      gen: z.int().min(1).max(8),
      lanes: z.int().min(1).max(32),
      measured_gbps: positive.optional(),
    })
    .optional(),
});

const machine = z.looseObject({
  name: text,
  gpus: z.array(gpu),
  cpu: z
    .looseObject({
      name: text.optional(),
      cores: z.int().positive().optional(),
      ghz: positive.optional(),
      isa: text.optional(),
      sockets: z.int().positive().optional(),
    })
    .optional(),
  ram: z
    .looseObject({
      gb: positive.optional(),
      type: text.optional(),
      mts: positive.optional(),
      channels: z.int().positive().optional(),
      measured_gbps: positive.optional(),
    })
    .optional(),
  ssd: z.looseObject({ gbps: positive, measured: z.boolean().optional() }).optional(),
  os: text.optional(),
  unified: z.boolean().optional(),
  note: text.optional(),
});

const model = z.looseObject({
  name: text,
  bundled: z.boolean().optional(),
  variant: text.optional(),
  quant: text.optional(),
  bits: positive.max(32).optional(),
  file_gb: positive.optional(),
  shape: z
    .looseObject({
      layers: count,
      moe_layers: count,
      experts: z.int().positive(),
      top_k: z.int().positive(),
      hidden: z.int().positive(),
      expert_intermediate: z.int().positive(),
      shared_experts: count.optional(),
      total_b: positive,
      active_b: positive,
    })
    .optional(),
});

const placement = z.looseObject({
  kind: z.enum(['cpu-layers', 'cpu-share', 'expert-cache', 'all-gpu', 'all-cpu', 'ssd-stream']),
  cpu_moe_layers: z.number().nonnegative().optional(),
  gpu_moe_layers: z.number().nonnegative().optional(),
  gpu_expert_share: share.optional(),
  whole_layers: z.boolean().optional(),
  where: processor.optional(),
  prefill_where: processor.optional(),
  policy: text.optional(),
  cache_slots: z.number().nonnegative().optional(),
  cache_experts_per_layer: z.number().nonnegative().optional(),
  cache_gb: z.number().nonnegative().optional(),
  note: text.optional(),
});

const run = z.looseObject({
  threads: z.int().positive().optional(),
  ubatch: z.int().positive().optional(),
  kv: text.optional(),
  flash_attention: z.boolean().optional(),
  mmap: z.boolean().optional(),
  repack: z.boolean().optional(),
  fused_moe: z.boolean().optional(),
  mla: count.optional(),
  numa: text.optional(),
  depth: count.optional(),
  context: z.int().positive().optional(),
  pp_tokens: z.int().positive().optional(),
  tg_tokens: z.int().positive().optional(),
  active_experts: z.int().positive().optional(),
  batch_users: z.int().positive().optional(),
  speculative: z
    .looseObject({
      kind: text,
      draft: positive.optional(),
      acceptance: share.optional(),
      tokens_per_forward: positive.optional(),
    })
    .optional(),
});

const measured = z
  .looseObject({ tg_tps: positive.optional(), pp_tps: positive.optional(), hit_rate: share.optional() })
  .refine((given) => given.tg_tps !== undefined || given.pp_tps !== undefined || given.hit_rate !== undefined, {
    error: 'holds no figure; give at least one of tg_tps, pp_tps, hit_rate',
  });

const scorable = z.looseObject({
  tg: z.boolean().optional(),
  pp: z.boolean().optional(),
  hit: z.boolean().optional(),
  pair: z.boolean().optional(),
  unseen: z.boolean().optional(),
});

/** A name alone groups rows; the varied setting is unknown. */
const series = z.union([text.transform((id) => ({ id, vary: '' })), z.looseObject({ id: text, vary: text })]);

/** Schema of a line. Unknown fields pass, unless nearly a known name. */
const measurementSchema = z.looseObject({
  id: text,
  source: text.optional(),
  grade: z.enum(['A', 'B', 'C']).optional(),
  engine: program,
  framework: program.optional(),
  engine_version: text.optional(),
  machine,
  model,
  placement,
  run: run.prefault({}),
  measured,
  scorable: scorable.optional(),
  pathology: text.optional(),
  series: series.optional(),
  also_series: series.optional(),
  flags: text.optional(),
  guessed: z.array(text).optional(),
  note: text.optional(),
});

/** Figures of a run on a real machine, with inputs. Fields: profiles/fields.txt and docs/measurements.md. */
export type Measurement = z.infer<typeof measurementSchema>;

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

/**
 * Reads JSON lines of measurements, or `-`. @param skip receives errors of lines @throws UserError `file:line: field:
 * what`
 */
export function readRows(path: string, skip?: (error: UserError) => void): MeasuredRows {
  return parseRows(readText(path, 'measurements'), path, skip);
}

/** Speed rows of a file. @throws UserError as {@link readRows} */
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

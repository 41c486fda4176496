// Reads saved results. Figures are checked against the catalogue and each other, so that no gate passes by a damaged or
// foreign baseline.
import { z } from 'zod';
import { EXIT, messageOf, UserError } from '../base/errors.js';
import { bytesOf, textOf } from '../base/host/bytes.js';
import { readText } from '../base/input-file.js';
import { keyTwice, parseJsonBytes } from '../base/nesting.js';
import { isObject, isOwnName } from '../base/objects.js';
import { pasted } from '../base/shell.js';
import { median } from '../base/significance.js';
import { quoted } from '../base/text.js';
import { LARGEST, METRICS, metricValue, nameToday, rangeOf, replacementOf } from './catalogue.js';
import type { Details } from './details.js';
import { isDigestOf } from './digest.js';
import { KNOWLEDGE } from './knowledge.js';
import { DRAWN_BY, LAYER_COUNTERS, type PerLayer, RESULT_SCHEMA, type Result } from './result.js';

const key = z.string().refine(isOwnName, { error: 'is no name of ours' });
/** Key of a metric. */
export const metricKey = z.string().regex(/^[a-z0-9_]+(\.[a-z0-9_]+)+$/, { error: 'is no name of a metric' });
const count = z.number().nonnegative().max(LARGEST);
const perLayer = z.array(count);

const metricSchema = z.object({
  value: z.number(),
  unit: z.enum(['ratio', 'count', 'bytes', 'ns', 'tokens/s', 'count/token', 'bytes/token', 'bytes/s', 'ns/byte', 'flops']),
  better: z.enum(['higher', 'lower', 'none']),
  kind: z.enum(['exact', 'sampled']),
  samples: z.array(z.number()).min(1).optional(),
});

const expertCause = z.looseObject({ tier: z.string(), cause: z.string(), byExpert: z.array(perLayer) });

const detailsSchema = z.looseObject({
  loads: z.array(perLayer),
  latency: z.record(key, z.array(count).length(101)),
  samples: z.record(key, perLayer.min(1)).optional(),
  series: z.looseObject({
    binNs: z.number().positive(),
    hits: perLayer,
    late: perLayer,
    misses: perLayer,
    stallNs: perLayer,
    links: z.array(z.looseObject({ name: z.string(), lanes: count, demandNs: perLayer, prefetchNs: perLayer })),
  }),
  capacity: z.looseObject({ bytes: perLayer, lru: perLayer, belady: perLayer }).nullable(),
  causes: z.looseObject({ stallNs: z.array(expertCause), otherStallNs: perLayer, bytes: z.array(expertCause) }).optional(),
});

const classLatency = z.looseObject({ mean: count, p50: count, p95: count, p99: count }).nullable();

const accuracy = z.looseObject({
  low: z.number().min(0).max(1),
  high: z.number().min(1),
  rows: count,
  machines: count,
  common: z.string(),
});

/** Unknown fields are kept: additions do not raise the format version. */
export const resultSchema = z.looseObject({
  schema: z.literal(RESULT_SCHEMA),
  tool: z.looseObject({ name: z.literal('moeprof'), version: z.string() }),
  inputs: z.looseObject({
    model: z.string(),
    quantization: z.string(),
    hardware: z.string(),
    device: z.enum(['cpu', 'unified']).optional(),
    joined: z.looseObject({ gpus: count, sharing: z.enum(['layers', 'tensor']) }).optional(),
    system: z.string(),
    traces: z.array(
      z.looseObject({
        path: z.string(),
        sha256: z.string(),
        tokens: count,
        requests: count,
        synthetic: z.boolean(),
        heldOut: count.optional(),
      }),
    ),
  }),
  fingerprint: z.string().min(1),
  seed: z.number(),
  config: z.record(key, z.unknown()),
  metrics: z.record(metricKey.transform(nameToday), metricSchema),
  perLayer: z.looseObject(Object.fromEntries(LAYER_COUNTERS.map((name) => [name, perLayer])) as Record<keyof PerLayer, typeof perLayer>),
  bounds: z.looseObject({
    allResidentTpotNs: count.nullable(),
    noCacheTpotNs: count.nullable(),
    lruTpotNs: count.nullable().optional(),
    beladyTpotNs: count.nullable().optional(),
    foundTpotNs: count.nullable().optional(),
    floorTpotNs: count.nullable().optional(),
    foundTotalNs: count.optional(),
    floorTotalNs: count.optional(),
    foundBy: z.literal('loads').optional(),
    unproven: z.string().optional(),
    beladyHitRate: count.nullable(),
    compulsoryMisses: count,
    tokenCycleBytes: count,
    capacityBytes: count,
  }),
  tenfold: z.looseObject({ requests: count, tpot: count }).optional(),
  hitRange: z
    .looseObject({ low: z.number().min(0).max(1), high: z.number().min(0).max(1), models: count, routing: z.enum(DRAWN_BY) })
    .optional(),
  accuracy: z.looseObject({ decode: accuracy.nullable(), prefill: accuracy.nullable() }).optional(),
  knowledge: z
    .looseObject({
      most: z.enum(KNOWLEDGE),
      parts: z.array(
        z.looseObject({
          part: z.string(),
          name: z.string(),
          knows: z.enum(KNOWLEDGE),
          recall: z.number().min(0).max(1).optional(),
          precision: z.number().min(0).max(1).optional(),
          source: z.string().optional(),
        }),
      ),
    })
    .optional(),
  classes: z
    .array(
      z.looseObject({
        name: z.string(),
        requests: count,
        generated: count,
        ttftNs: classLatency,
        tpotNs: classLatency,
        requestNs: classLatency,
        attained: z.number().min(0).max(1).nullable(),
        budget: z.string().nullable(),
        choicesLost: z.number().min(0).max(1),
        weightLost: z.number().min(0).max(1).nullable(),
        degraded: z.number().min(0).max(1).optional(),
      }),
    )
    .optional(),
  warnings: z.array(z.looseObject({ code: z.string(), message: z.string() })),
  environment: z.record(key, z.union([z.string(), z.number()])),
  digest: z.string().optional(),
  details: detailsSchema.optional(),
});

/** @throws UserError with exit code 2 for no result, 3 for a different format version or replaced metrics */
export const readResult = (path: string): Result => parseResult(readText(path, 'result'), path);

/** @param path for messages @throws UserError as {@link readResult} */
export function parseResult(text: string, path: string): Result {
  const raw = parseJson(text, path);
  const bytes = bytesOf(text);
  const twice = keyTwice(bytes);
  if (twice === null) return checkedResult(raw, path);
  const place = lineAndColumn(text, textOf(bytes.subarray(0, twice.at)).length);
  throw new UserError(`${path}${place}: the key ${quoted(twice.key)} stands twice; the file was edited, run again to replace it`);
}

/** @param path for messages @param isCovered true: by an outer digest @throws UserError as {@link readResult} */
export function checkedResult(raw: unknown, path: string, isCovered = false): Result {
  const tag = schemaTag(raw);
  if (tag === null)
    throw new UserError(
      `${path}: is not a moeprof result (no "schema": "${RESULT_SCHEMA}"); write one with moeprof run -o ${pasted(path)}`,
    );
  if (tag !== RESULT_SCHEMA)
    throw new UserError(`${path}: has format ${tag}, this moeprof reads ${RESULT_SCHEMA}; run again with this version`, EXIT.notComparable);
  const { accuracy: bands } = raw as { readonly accuracy?: unknown };
  if (isObject(bands) && Object.values(bands).some((band) => isObject(band) && 'halfWidth' in band))
    throw new UserError(`${path}: has error bands of an earlier version (halfWidth); run again with this version`, EXIT.notComparable);
  const parsed = resultSchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const more = parsed.error.issues.length > 1 ? ` (${parsed.error.issues.length - 1} more)` : '';
    throw new UserError(
      `${path}: ${issue.path.map(String).join('.')}: ${issue.message}${more}; the file is damaged, run again to replace it`,
    );
  }
  const result: Result = parsed.data;
  const old = Object.keys(result.metrics).find((name) => replacementOf(name) !== null);
  if (old !== undefined)
    throw new UserError(
      `${path}: has ${old} of an earlier moeprof; this one has ${replacementOf(old)}; run again with this version`,
      EXIT.notComparable,
    );
  const tampered = !isCovered && result.digest !== undefined && !isDigestOf(result.digest, raw as Result);
  const contradiction = findContradiction(result) ?? (tampered ? 'its figures are not those that its digest was taken of' : null);
  if (contradiction !== null) throw new UserError(`${path}: ${contradiction}; the file is damaged or was edited, run again to replace it`);
  return result;
}

function unequalLists({ capacity, causes, loads, series }: Details): string | null {
  const widths = (table: readonly (readonly number[])[]): string => table.map(({ length }) => length).join();
  const other = [...(causes?.stallNs ?? []), ...(causes?.bytes ?? [])].find(({ byExpert }) => widths(byExpert) !== widths(loads));
  if (other !== undefined) return `details.causes of ${quoted(other.cause)} have other layers or experts than details.loads`;
  const { hits, late, links, misses, stallNs } = series;
  const groups: Readonly<Record<string, readonly (readonly unknown[])[]>> = {
    causes: [loads, causes?.otherStallNs ?? loads],
    series: [hits, late, misses, stallNs, ...links.flatMap(({ demandNs, prefetchNs }) => [demandNs, prefetchNs])],
    capacity: capacity === null ? [] : [capacity.bytes, capacity.lru, capacity.belady],
  };
  const name = Object.entries(groups).find(([, lists]) => lists.some(({ length }) => length !== lists[0]!.length))?.[0];
  return name === undefined ? null : `lists of details.${name} differ in length`;
}

/** `moeprof.result/<n>` of parsed JSON, or null. */
function schemaTag(raw: unknown): string | null {
  const tag = isObject(raw) ? raw.schema : null;
  return typeof tag === 'string' && /^moeprof\.result\/\d+$/.test(tag) ? tag : null;
}

/** @throws UserError with line and column for invalid JSON */
function parseJson(text: string, path: string): unknown {
  if (text.trim() === '') throw new UserError(`${path}: the file is empty, expected a result as moeprof run -o ${pasted(path)} writes it`);
  try {
    return parseJsonBytes(bytesOf(text), path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const message = messageOf(error);
    const position = /at position (\d+)/.exec(message)?.[1];
    // V8 gives no position at an early end of the text, and for some stray tokens.
    const offset = position !== undefined ? Number(position) : message.startsWith('Unexpected end') ? text.length : null;
    const early = offset !== null && text.slice(offset).trim() === '';
    // V8 quotes line breaks and control characters; a message is one line.
    const reason = message.replace(/,? ?(is not valid JSON|in JSON at position.*)$/s, '').replace(/[\p{C}\s]+/gu, ' ');
    const what = early ? 'the file ends early (cut short?)' : reason;
    throw new UserError(`${path}${offset === null ? '' : lineAndColumn(text, offset)}: is not JSON: ${what}; run again to replace it`);
  }
}

function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `:${before.length}:${before.at(-1)!.length + 1}`;
}

/** Describes a contradiction within a result, or null. */
function findContradiction(result: Result): string | null {
  for (const [name, { unit, better, kind, samples, value }] of Object.entries(result.metrics)) {
    const known = METRICS.get(name);
    if (samples !== undefined && (kind === 'exact' || median(samples) !== value))
      return `metrics.${name} is ${value}, which is not the median of its samples`;
    if (known !== undefined && (known.unit !== unit || known.better !== better))
      return `metrics.${name} is given in ${unit}, better ${better}, but is in ${known.unit}, better ${known.better}`;
    const [least, most] = rangeOf(name);
    const wrong = [value, ...(samples ?? [])].find((figure) => figure < least || figure > most);
    if (wrong !== undefined) return `metrics.${name} is ${wrong} ${unit}, which no run gives`;
  }
  const { seed } = result.config;
  if (seed !== undefined && seed !== result.seed) return `seed is ${result.seed}, config.seed ${quoted(seed)}`;
  const layers = result.perLayer.demanded.length;
  for (const [name, values] of Object.entries(result.perLayer)) {
    if (values.length !== layers) return `perLayer.${name} has ${values.length} layers, perLayer.demanded has ${layers}`;
  }
  for (const name of ['latency.ttft', 'latency.tpot', 'latency.itl', 'latency.pass', 'latency.request'] as const) {
    const values = (['p50', 'p95', 'p99'] as const).flatMap((percentile) => metricValue(result, `${name}.${percentile}`) ?? []);
    if (values.some((value, i) => i > 0 && value < values[i - 1]!)) return `the percentiles of metrics.${name} are not in order`;
  }
  for (const phase of ['', '.prefill', '.decode'] as const) {
    const rates = (['hit_rate', 'late_rate', 'miss_rate'] as const).map((name) => metricValue(result, `cache.${name}${phase}`));
    if (rates.every((rate) => rate === null)) continue;
    const sum = rates.reduce<number>((total, rate) => total + (rate ?? 0), 0);
    if (Math.abs(sum - 1) > 1e-9) return `hit, late and miss rate (metrics.cache.*_rate${phase}) add up to ${sum}, not 1`;
  }
  return result.details === undefined ? null : unequalLists(result.details);
}

// Traces that are read twice: by moeprof, and by a reader that shares nothing with it. Where both read a file, it demands the same.
import { readFileSync } from 'node:fs';
import { messageOf, UserError } from '../../src/base/errors.js';
import type { Random } from '../../src/base/random.js';
import { openPopularity, openTrace } from '../../src/trace/open/open.js';
import type { Popularity } from '../../src/trace/popularity.js';
import type { RoutingTrace } from '../../src/trace/trace.js';
import { safetensorsBytes, uniformModel } from '../trace/builders.js';
import { countFixtures, EXPERTS, fixtures, flat, LAYERS, PROMPT, routing, TOKENS, TOP_K } from '../trace/formats/fixtures.js';
import { replyShapes } from '../trace/formats/replies.js';
import { mutate } from './mutate.js';
import { reshape } from './reshape.js';
import { secondArrays, secondCounts } from './second/arrays.js';
import { Damaged, type DemandRow, demandOf } from './second/demand.js';
import { secondBytes, secondText } from './second/text.js';
import type { Reader } from './tries.js';

const model = uniformModel(LAYERS, EXPERTS, TOP_K);

/** How often a file was read twice, by format. */
export const comparisons = new Map<string, number>();

const canonical = Array.from({ length: TOKENS }, (_, token) => ({
  request: token < 8 ? 0 : 4,
  position: token < 8 ? token : token - 8,
  phase: token < PROMPT ? 'prefill' : 'decode',
  experts: routing[token],
}));

const i32 = (values: readonly number[]) => ({ dtype: 'I32', shape: [values.length], data: Int32Array.from(values) });

/** Files of every format that has a second reader. */
const files: Readonly<Record<string, Uint8Array>> = {
  ...Object.fromEntries(
    Object.entries({ ...fixtures, ...countFixtures })
      .filter(([name, { format }]) => hasSecond(format) && !/ in (gzip|zstd)$/.test(name))
      .map(([name, { bytes }]) => [name, bytes]),
  ),
  ...Object.fromEntries(Object.entries(replyShapes).map(([name, { text }]) => [name, Buffer.from(text)])),
  jsonl: Buffer.from(`${canonical.map((row) => JSON.stringify(row)).join('\n')}\n`),
  'jsonl with a header': Buffer.from(
    `{"format":"moeprof.trace/1","num_experts":"${EXPERTS}"}\n${canonical.map(({ experts }) => JSON.stringify({ experts })).join('\n')}\n`,
  ),
  safetensors: safetensorsBytes(
    {
      experts: { dtype: 'I16', shape: [TOKENS, LAYERS, TOP_K], data: Int16Array.from(flat('tlk')) },
      request_id: i32(canonical.map(({ request }) => request)),
      position: i32(canonical.map(({ position }) => position)),
      phase: { dtype: 'U8', shape: [TOKENS], data: Uint8Array.from(canonical, ({ phase }) => (phase === 'prefill' ? 0 : 1)) },
    },
    { format: 'moeprof.trace/1' },
  ),
  'moe-trace of two choices': Buffer.from(
    `layer,expert\n${routing
      .slice(PROMPT)
      .flatMap((row) => row.flatMap((ids, layer) => ids.slice(0, 2).map((id) => `${layer},${id}`)))
      .join('\n')}\n`,
  ),
};

function hasSecond(format: string): boolean {
  return format in secondText || format in secondArrays || format in secondCounts;
}

/** What a second reader makes of a file, read with {@link model} or without; a text: why it finds it damaged. */
function secondOf({ layers, meta, tokens, topK }: RoutingTrace, bytes: Buffer, isNamed: boolean): DemandRow[][] | string {
  const text = secondText[meta.format];
  try {
    return text === undefined
      ? secondArrays[meta.format]!(bytes, { tokens, layers, topK }, [LAYERS, TOP_K])
      : [text(bytes.toString(), isNamed ? TOP_K : undefined)];
  } catch (error) {
    if (error instanceof Damaged || error instanceof TypeError || error instanceof RangeError) return messageOf(error);
    throw error;
  }
}

/** -0 is 0 to whoever indexes by it. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** @throws Error where both readers read a file, and it demands two things */
async function readTwice(path: string, random: Random): Promise<void> {
  const bytes = readFileSync(path);
  const isNamed = random.below(3) === 0 || /meta_info|sgl_?ext|nvext/.test(bytes.toString('latin1'));
  const trace = await openTrace(path, isNamed ? { model } : {}).catch((error: unknown) => {
    if (error instanceof UserError && error.message.includes('not when')) return null;
    throw error;
  });
  if (trace === null) return compareCounts(await openPopularity(path), bytes);
  try {
    if (!hasSecond(trace.meta.format)) throw new UserError(`${trace.meta.format} has no second reader`);
    const first = demandOf(trace);
    const second = secondOf(trace, bytes, isNamed);
    const { format } = trace.meta;
    comparisons.set(format, (comparisons.get(format) ?? 0) + 1);
    if (typeof second === 'string') throw new Error(`${format}: is read, and damaged when it is read again: ${second}`);
    const bytesOf = secondBytes[format];
    if (bytesOf !== undefined && !isSame(trace.meta.expertBytes, bytesOf(bytes.toString())))
      throw new Error(`${format}: bytes of experts are ${JSON.stringify(trace.meta.expertBytes)}`);
    if (second.some((rows) => isSame(rows, first))) return;
    const at = first.findIndex((row, index) => !second.some((rows) => isSame(rows[index], row)));
    const again = second.map((rows) => `${rows.length} tokens, token ${at}: ${JSON.stringify(rows[at])}`);
    throw new Error(
      `${format}: demands ${first.length} tokens, token ${at}: ${JSON.stringify(first[at])}, and read again ${again.join(' or ')}`,
    );
  } finally {
    trace.close();
  }
}

function compareCounts({ counts, format }: Popularity, bytes: Buffer): void {
  const read = secondCounts[format];
  if (read === undefined) throw new UserError(`${format} has no second reader`);
  const table = read(bytes.toString());
  const layers = [...table.keys()].sort((a, b) => a - b);
  comparisons.set(format, (comparisons.get(format) ?? 0) + 1);
  const areSame =
    layers.length === counts.length &&
    layers.every((layer, index) => counts[index]!.every((count, expert) => count === (table.get(layer)!.get(expert) ?? 0)));
  if (!areSame) throw new Error(`${format}: counts differ`);
}

/** The reader of traces, read twice. */
export const twice: Reader = {
  ending: '',
  kinds: ['trace'],
  files,
  share: 5,
  change: (bytes, random, others) => (random.below(8) === 0 ? mutate : reshape)(bytes, random, others),
  read: readTwice,
};

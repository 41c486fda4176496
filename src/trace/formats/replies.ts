// Server replies and offline outputs with routed experts; one reader, because gateways pass fields on. Sources: vLLM
// vllm/entrypoints/scale_out/token_in_token_out/protocol.py @006ebac2, PR 51906 (2026-08), docs of 0.21; SGLang
// srt/entrypoints/openai/serving_completions.py @004c82e0, srt/state_capturer/routed_experts_wire.py @a6463a10; dynamo
// components/src/dynamo/vllm/handlers.py, PR 10529; TensorRT-LLM PR 18397. Rows are [start, prompt + generated - 1).
import { UserError } from '../../base/errors.js';
import { bytesOfBase64 } from '../../base/host/bytes.js';
import { isCount, isObject, ownValue } from '../../base/objects.js';
import { quoted } from '../../base/text.js';
import { DTYPE_BYTES } from '../column.js';
import type { TraceSource } from '../source.js';
import { type ChoiceArray, type ChoiceRequest, choiceFormat, nested } from './choice-array.js';
import { type Expected, expected, type TraceFormat } from './format.js';
import { arrayAt, type JsonObject, objectAt, wholeAt } from './json-values.js';
import { looksLikeNpy, npyValues, numbersOf } from './npy-array.js';
import { repliesIn } from './streamed-reply.js';

const DTYPES = new Map(Object.entries({ int8: 'I8', uint8: 'U8', int16: 'I16', uint16: 'U16', int32: 'I32', int64: 'I64' }));

/** @param mark text of a reply of the engine */
const replyFormat = (name: string, mark: RegExp): TraceFormat =>
  choiceFormat({
    name,
    detect: ({ text }) => /^\s*([{[]|data:)/.test(text) && mark.test(text),
    *requests(source: TraceSource, options) {
      for (const { value, place } of repliesIn(source)) yield* answersOf(value, place, expected(options));
    },
  });

/** Replies of SGLang. */
export const sglangReply = replyFormat('sglang', /"(meta_info|sglext|sgl_ext)"\s*:/);
/** Replies through dynamo. */
export const dynamo = replyFormat('dynamo', /"nvext"\s*:\s*\{/);
/** Replies of vLLM; outputs of vLLM and TensorRT-LLM as JSON. */
export const vllm = replyFormat(
  'vllm',
  /"((prompt_)?routed_experts|prompt_token_ids|output_mode)"\s*:|"object"\s*:\s*"(text_completion|chat\.completion)"/,
);

/** One per answer; null: no routing. @param known for replies without a shape @throws UserError if malformed */
export function* answersOf(reply: JsonObject, place: string, known: Expected): Generator<ChoiceRequest | null, void, void> {
  const listed = ['choices', 'outputs'].find((key) => ownValue(reply, key) !== undefined);
  const answers = listed === undefined && isObject(reply.meta_info) ? [reply] : arrayAt(reply, listed ?? 'choices', place);
  for (const [index, entry] of answers.entries()) {
    const at = entry === reply ? place : `${place}: ${listed}[${index}]`;
    yield requestOf(objectAt(entry, at), reply, answers.length, at, known);
  }
}

function requestOf(answer: JsonObject, reply: JsonObject, answers: number, at: string, known: Expected): ChoiceRequest | null {
  const { meta_info: meta } = answer;
  const ofReply = { '.sglext': reply.sglext, '.nvext': reply.nvext, '.nvext.engine_data': ownValue(reply.nvext, 'engine_data') };
  const parts = { '': answer, '.meta_info': meta, '.sgl_ext': answer.sgl_ext ?? answer.sglext, ...ofReply };
  const [name = '', part] = Object.entries(parts).find(([, candidate]) => (ownValue(candidate, 'routed_experts') ?? null) !== null) ?? [];
  if (answers > 1 && Object.hasOwn(ofReply, name))
    throw new UserError(`${at}: the reply has the routed experts of one of its ${answers} answers; ask for one answer a request, "n": 1`);
  const prompt = routed(answer.prompt_routed_experts ?? reply.prompt_routed_experts, {}, known, `${at}.prompt_routed_experts`);
  const found = routed(ownValue(part, 'routed_experts'), part, known, `${at}${name}.routed_experts`);
  if (found === null && prompt === null) return null;
  if (found === null) throw new UserError(`${at}: has routed experts of the prompt alone; keep the whole reply`);
  const counts = countsOf(answer, reply, answers === 1, at);
  const starts = [meta, part, reply].map((holder) => (isObject(holder) ? wholeAt(holder, 'routed_experts_start_len', at) : null));
  const start = found.start ?? starts.find((start) => start !== null) ?? (found.shaped ? null : 0);
  const arrays = [...(prompt === null ? [] : [prompt.array]), found.array];
  const rows = arrays.reduce((sum, { tokens }) => sum + tokens, 0);
  const [prefill, first] = parted({ ...found, start, prompt: prompt?.array.tokens ?? null, rows }, counts, at);
  const { generatedIds, promptIds } = counts;
  const ids = promptIds === null || generatedIds === null ? null : [...promptIds, ...generatedIds].slice(first, first + rows);
  return { arrays, prompt: prefill, first, tokenIds: ids };
}

interface Routed {
  readonly array: ChoiceArray;
  /** Position of the first row; null: unknown. */
  readonly start: number | null;
  /** True for a shaped array: senders may omit a prefix, so token counts give the position. */
  readonly shaped: boolean;
}

/**
 * Choices as nested lists, base64 .npy, dynamo's `{"data", "shape", "start", "dtype"}` (base85 without dtype before
 * June 2026), or base64 integers of the model's shape. @param beside has `routed_experts_dtype` @returns null if absent
 */
function routed(value: unknown, beside: unknown, known: Expected, place: string): Routed | null {
  if (typeof value !== 'string' && !isObject(value)) {
    const array = nested(value, place);
    return array === null ? null : { array, start: null, shaped: false };
  }
  const {
    data,
    dtype: name,
    shape,
    start,
  } = isObject(value) ? value : { data: value, dtype: ownValue(beside, 'routed_experts_dtype') ?? 'int32' };
  const bytes = bytesOfBase64(typeof data === 'string' ? data : '');
  if (looksLikeNpy(bytes)) {
    const npy = npyValues(place, bytes);
    const [tokens = 0, layers = 0, topK = 0] = npy.shape;
    if (npy.shape.length !== 3) throw new UserError(`${place}: shape (${npy.shape.join(', ')}) is not (tokens, layers, top-k)`);
    return { array: { tokens, layers, topK, ids: npy.values, place }, start: null, shaped: true };
  }
  if (isObject(value) && !(Array.isArray(shape) && shape.length === 3 && shape.every(isCount) && typeof data === 'string'))
    throw new UserError(`${place}: not {"data": base64, "shape": [tokens, layers, top-k], "start", "dtype"}`);
  const [rows, layers, topK] = isObject(value) ? (shape as number[]) : [undefined, known.layers, known.topK];
  if (layers == null || topK == null)
    throw new UserError(`${place}: has no shape, as in replies of SGLang; name the model that was served with --model`);
  const dtype = typeof name === 'string' ? DTYPES.get(name) : undefined;
  if (dtype === undefined) throw new UserError(`${place}: dtype is ${quoted(name)}; known are ${[...DTYPES.keys()].join(', ')}`);
  const row = layers * topK * DTYPE_BYTES.get(dtype)!;
  const tokens = bytes.length / row;
  if (!Number.isInteger(tokens) || tokens !== (rows ?? tokens)) {
    const fix = rows === undefined ? 'is it the right model?' : 'was it cut, or written as base85?';
    throw new UserError(
      `${place}: ${bytes.length} bytes do not split into rows of ${layers} layers x top-${topK} x ${row / layers / topK} bytes; ${fix}`,
    );
  }
  const array = { tokens, layers, topK, ids: numbersOf(dtype, bytes), place };
  return { array, start: isObject(value) ? wholeAt({ start }, 'start', place) : null, shaped: rows !== undefined };
}

/** Token counts and ids; null: absent. */
interface Counts {
  readonly prompt: number | null;
  readonly generated: number | null;
  readonly promptIds: readonly number[] | null;
  readonly generatedIds: readonly number[] | null;
}

/** @param alone single answer: the reply's counts apply @throws UserError if counts disagree */
function countsOf(answer: JsonObject, reply: JsonObject, alone: boolean, at: string): Counts {
  const [data, usage] = alone ? [ownValue(reply.nvext, 'engine_data'), reply.usage] : [];
  const promptIds =
    idsAt(answer.prompt_token_ids, at) ?? idsAt(reply.prompt_token_ids, at) ?? idsAt(ownValue(data, 'prompt_token_ids'), at);
  const generatedIds = idsAt(answer.token_ids, at) ?? idsAt(ownValue(data, 'completion_token_ids'), at);
  const count = (key: string, ids: readonly number[] | null): number | null => {
    const stated = [answer.meta_info, usage].flatMap((part) => (isObject(part) ? (wholeAt(part, key, at) ?? []) : []));
    const [count = null, other] = new Set([...(ids === null ? [] : [ids.length]), ...stated]);
    if (other !== undefined) throw new UserError(`${at}: ${key} are ${count} in one place and ${other} in another; the reply is damaged`);
    return count;
  };
  const [prompt, generated] = [count('prompt_tokens', promptIds), count('completion_tokens', generatedIds)];
  const total = isObject(usage) ? wholeAt(usage, 'total_tokens', at) : null;
  if (total !== null && prompt !== null && generated !== null && total !== prompt + generated)
    throw new UserError(`${at}: total_tokens ${total} are not ${prompt} of the prompt and ${generated} generated; the reply is damaged`);
  return { prompt, generated, promptIds, generatedIds };
}

/** Token ids; null: no list of numbers. @throws UserError for entries that are no ids, which a count of tokens must not drop */
function idsAt(value: unknown, at: string): readonly number[] | null {
  if (!Array.isArray(value) || !['number', 'undefined'].includes(typeof value[0])) return null;
  const other = value.findIndex((id) => !isCount(id));
  if (other >= 0) throw new UserError(`${at}: entry ${other} of its token ids is none; the reply is damaged`);
  return value;
}

/** Prompt rows, and first position. @param found `prompt`: separate prompt rows; null: one list */
function parted(
  { array: { layers, topK }, prompt, rows, shaped, start }: Routed & { readonly prompt: number | null; readonly rows: number },
  counts: Counts,
  at: string,
): [prefill: number, first: number] {
  const refuse = (what: string): never => {
    const fix = shaped ? 'the reply is damaged' : 'is it the right model, and routed_experts_start_len of the request in the reply?';
    throw new UserError(`${at}: ${rows} rows of ${layers} layers x top-${topK}, but ${what}; ${fix}`);
  };
  const decode = counts.generated === null ? null : Math.max(counts.generated, 1) - 1;
  const byStart = counts.prompt === null || start === null ? null : counts.prompt - start;
  const prefill = prompt ?? (decode === null ? byStart : rows - decode);
  if (prefill === null || (start === null && counts.prompt === null)) {
    const fix = 'keep the whole reply with its usage, or ask for "return_token_ids": true';
    throw new UserError(`${at}: nothing says which of its ${rows} rows are of the prompt; ${fix}`);
  }
  const first = start ?? counts.prompt! - prefill;
  if (prefill < 0 || prefill > rows || first < 0 || (decode !== null && prefill + decode !== rows))
    refuse(`${counts.prompt ?? 'the'} tokens of the prompt and ${counts.generated ?? 'the'} generated ones do not make so many`);
  if (counts.prompt !== null && first + prefill !== counts.prompt)
    refuse(`prompt and output make ${counts.prompt + (decode ?? 0) - first}`);
  return [prefill, first];
}

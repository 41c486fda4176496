// SGLang's /generate replies with routed experts: base64 of raw row-major integers with no shape, rows for [start, prompt + output - 1).
// Layers and top-k come from the model; a wrong model could reshape silently, so the row count is checked.

import { UserError } from '../../base/errors.js';
import { bytesOfBase64 } from '../../base/host/bytes.js';
import { DTYPE_BYTES } from '../column.js';
import { type ChoiceRequest, choiceFormat } from './choice-array.js';
import { expected } from './format.js';
import { documents, type JsonObject, objectAt, wholeAt } from './json-values.js';
import { numbersOf } from './npy-array.js';

/** Wire dtypes of SGLang. */
const DTYPES = new Map(Object.entries({ int8: 'I8', uint8: 'U8', int16: 'I16', uint16: 'U16', int32: 'I32', int64: 'I64' }));

/** Replies of SGLang. */
export const sglangReply = choiceFormat({
  name: 'sglang',
  summary: 'generate replies with meta_info.routed_experts: base64 of raw integers, shape from the model',
  engines: 'SGLang',
  turnOn: 'server `--enable-return-routed-experts`, request `"return_routed_experts": true`, then keep the replies',
  detect: ({ text }) => /"meta_info"\s*:/.test(text) && /^\s*[{[]/.test(text),
  *requests(source, options) {
    const { layers, topK } = expected(options);
    if (layers === null || topK === null) {
      throw new UserError(`${source.path}: SGLang replies carry no shape; name the model that was served with --model`);
    }
    for (const { value, place } of documents(source)) {
      const info = objectAt(value.meta_info, `${place}: meta_info`);
      if (info.routed_experts !== undefined && info.routed_experts !== null) yield requestOf(info, layers, topK, `${place}: meta_info`);
    }
  },
});

function requestOf(info: JsonObject, layers: number, topK: number, place: string): ChoiceRequest {
  if (typeof info.routed_experts !== 'string') throw new UserError(`${place}.routed_experts is not base64 text`);
  const name = info.routed_experts_dtype ?? 'int32';
  const dtype = typeof name === 'string' ? DTYPES.get(name) : undefined;
  if (dtype === undefined)
    throw new UserError(`${place}.routed_experts_dtype is ${JSON.stringify(name)}; known are ${[...DTYPES.keys()].join(', ')}`);
  const size = DTYPE_BYTES.get(dtype)!;
  const raw = bytesOfBase64(info.routed_experts);
  const rowBytes = layers * topK * size;
  const tokens = raw.length / rowBytes;
  if (!Number.isInteger(tokens)) {
    throw new UserError(
      `${place}: ${raw.length} bytes do not split into rows of ${layers} layers x top-${topK} x ${size} bytes; is it the right model?`,
    );
  }
  const first = wholeAt(info, 'routed_experts_start_len', place) ?? 0;
  const prompt = wholeAt(info, 'prompt_tokens', place);
  const completion = wholeAt(info, 'completion_tokens', place);
  const rows = prompt === null || completion === null ? tokens : prompt + completion - 1 - first;
  if (rows !== tokens) {
    throw new UserError(
      `${place}: ${tokens} rows of ${layers} layers x top-${topK}, but prompt and output make ${rows}; is it the right model?`,
    );
  }
  return {
    arrays: [{ tokens, layers, topK, ids: numbersOf(dtype, raw), place: `${place}.routed_experts` }],
    prompt: prompt === null ? null : Math.max(0, prompt - first),
    first,
  };
}

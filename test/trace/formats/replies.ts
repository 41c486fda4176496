// One routing in every reply that servers of 2026 write, with the truth about phases and positions. Field names are those of the engines' sources,
// read on 2026-12-01: vLLM docs/training/routed_experts_replay.md of 0.21 and vllm/entrypoints/scale_out/token_in_token_out/protocol.py @006ebac2,
// PRs 44638 (streams), 51906 (offsets); SGLang srt/entrypoints/openai/serving_completions.py @004c82e0, srt/state_capturer/routed_experts_wire.py
// @a6463a10, PR 17434 (sgl_ext); dynamo components/src/dynamo/vllm/handlers.py, PR 10529, and PR 9657 for SGLang; TensorRT-LLM
// tests/unittest/llmapi/test_return_routed_experts.py @05d2eadd (PR 18397), whose outputs are written as JSON.
import { flat, LAYERS, npyBytes, PROMPT, routing, TOKENS, TOP_K } from './fixtures.js';

/** A reply and the truth about it. */
export interface ReplyShape {
  readonly text: string;
  readonly format: 'vllm' | 'sglang' | 'dynamo';
  /** Layers and top-k come from the model. */
  readonly needsModel?: true;
  /** Rows from this one on are recorded. */
  readonly first?: number;
  /** Answers that it holds, each with the whole routing; absent: 1. */
  readonly answers?: number;
  /** Token ids that it tells: 100 and up. */
  readonly ids?: true;
}

const GENERATED = TOKENS - PROMPT + 1;
const base64 = (array: ArrayBufferView): string => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64');
const npy = (from = 0): string => base64(npyBytes('|u1', [TOKENS - from, LAYERS, TOP_K], Uint8Array.from(flat('tlk', from))));
const int32 = (from = 0): string => base64(Int32Array.from(flat('tlk', from)));
const usage = { prompt_tokens: PROMPT, completion_tokens: GENERATED, total_tokens: PROMPT + GENERATED };
const ids = Array.from({ length: PROMPT + GENERATED }, (_, at) => 100 + at);
const [promptIds, ownIds] = [ids.slice(0, PROMPT), ids.slice(PROMPT)];
const events = (...list: readonly unknown[]): string =>
  `${[...list.map((one) => JSON.stringify(one)), '[DONE]'].map((one) => `data: ${one}`).join('\n\n')}\n\n`;
const object = 'text_completion';
const info = { id: 'r', prompt_tokens: PROMPT, completion_tokens: GENERATED, cached_tokens: 0 };

/** Every shape, by name. */
export const replyShapes: Readonly<Record<string, ReplyShape>> = {
  'vLLM 0.21: lists apart': {
    format: 'vllm',
    text: JSON.stringify({
      object,
      prompt_routed_experts: routing.slice(0, PROMPT),
      choices: [{ index: 0, routed_experts: routing.slice(PROMPT) }],
      usage,
    }),
  },
  'vLLM 0.22: completions': {
    format: 'vllm',
    text: JSON.stringify({ object, choices: [{ index: 0, text: 'a', routed_experts: npy() }], usage }),
  },
  'vLLM generate: one list, told by token ids': {
    format: 'vllm',
    text: JSON.stringify({
      request_id: 'g',
      choices: [{ index: 0, finish_reason: 'length', token_ids: ownIds, routed_experts: npy() }],
      usage,
    }),
  },
  'vLLM chat with token ids, two answers': {
    format: 'vllm',
    answers: 2,
    ids: true,
    text: JSON.stringify({
      object: 'chat.completion',
      prompt_token_ids: promptIds,
      choices: [0, 1].map((index) => ({ index, message: { content: 'a' }, token_ids: ownIds, routed_experts: npy() })),
      usage: { prompt_tokens: PROMPT, completion_tokens: 2 * GENERATED, total_tokens: PROMPT + 2 * GENERATED },
    }),
  },
  'vLLM with routed_experts_prompt_start': {
    format: 'vllm',
    first: 4,
    text: JSON.stringify({ object, choices: [{ index: 0, text: 'a', routed_experts: npy(4) }], usage }),
  },
  'vLLM generate, streamed': {
    format: 'vllm',
    ids: true,
    text: events(
      { request_id: 'g', prompt_token_ids: promptIds, choices: [{ index: 0, token_ids: ownIds.slice(0, 2), routed_experts: null }] },
      { request_id: 'g', choices: [{ index: 0, token_ids: ownIds.slice(2), finish_reason: 'length', routed_experts: npy() }] },
      { request_id: 'g', choices: [], usage },
    ),
  },
  'SGLang generate': {
    format: 'sglang',
    needsModel: true,
    text: JSON.stringify({ text: 'a', output_ids: ownIds, meta_info: { ...info, routed_experts: int32() } }),
  },
  'SGLang generate, a byte an id, from an offset': {
    format: 'sglang',
    needsModel: true,
    first: 2,
    text: JSON.stringify({
      text: 'a',
      meta_info: {
        ...info,
        routed_experts_start_len: 2,
        routed_experts_dtype: 'uint8',
        routed_experts: base64(Uint8Array.from(flat('tlk', 2))),
      },
    }),
  },
  'SGLang generate, streamed: fields are cumulative': {
    format: 'sglang',
    needsModel: true,
    text: events(
      { text: 'a', output_ids: ownIds.slice(0, 1), meta_info: { ...info, completion_tokens: 1, finish_reason: null } },
      { text: 'ab', output_ids: ownIds, meta_info: { ...info, finish_reason: { type: 'length' }, routed_experts: int32() } },
    ),
  },
  'SGLang completions: sglext': {
    format: 'sglang',
    needsModel: true,
    text: JSON.stringify({ object, choices: [{ index: 0, text: 'a' }], usage, sglext: { routed_experts: int32() } }),
  },
  'SGLang chat of January 2026: sgl_ext of an answer': {
    format: 'sglang',
    needsModel: true,
    text: JSON.stringify({
      object: 'chat.completion',
      choices: [{ index: 0, message: { content: 'a' }, sgl_ext: { routed_experts: int32() } }],
      usage,
    }),
  },
  'SGLang chat, streamed': {
    format: 'sglang',
    needsModel: true,
    text: events(
      { id: 'c', choices: [{ index: 0, delta: { role: 'assistant', content: '' } }], usage: null },
      { id: 'c', choices: [{ index: 0, delta: { content: 'a' }, finish_reason: 'length' }] },
      { id: 'c', choices: [], sglext: { routed_experts: int32() } },
      { id: 'c', choices: [], usage },
    ),
  },
  'TensorRT-LLM: outputs of the offline interface': {
    format: 'vllm',
    ids: true,
    text: JSON.stringify({ prompt_token_ids: promptIds, outputs: [{ token_ids: ownIds, routed_experts: routing }] }),
  },
  'dynamo over vLLM': {
    format: 'dynamo',
    first: 3,
    ids: true,
    text: JSON.stringify({
      object: 'chat.completion',
      choices: [{ index: 0, message: { content: 'a' } }],
      usage,
      nvext: {
        routed_experts: { data: base64(Int16Array.from(flat('tlk', 3))), shape: [TOKENS - 3, LAYERS, TOP_K], start: 3, dtype: 'int16' },
        engine_data: { prompt_token_ids: promptIds, completion_token_ids: ownIds },
      },
    }),
  },
  'dynamo over SGLang, streamed': {
    format: 'dynamo',
    needsModel: true,
    text: events(
      { id: 'c', choices: [{ index: 0, delta: { content: 'a' } }], nvext: { worker_id: 1 } },
      { id: 'c', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], nvext: { engine_data: { routed_experts: int32() } }, usage },
    ),
  },
};

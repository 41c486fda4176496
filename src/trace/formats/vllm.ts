// vLLM's replies with routed experts: one reply, an array of them, or one per line. First generation: nested lists, separate for prompt and
// output, with -1 for tokens from the prefix cache. Second: base64 of a .npy array [prompt + output - 1, layers, top-k], since the last
// sampled token is never forwarded.

import { UserError } from '../../base/errors.js';
import { bytesOfBase64 } from '../../base/host/bytes.js';
import { type ChoiceArray, choiceFormat } from './choice-array.js';
import { arrayAt, documents, objectAt, wholeAt } from './json-values.js';
import { npyValues } from './npy-array.js';

/** Replies of vLLM. */
export const vllm = choiceFormat({
  name: 'vllm',
  summary: 'completion replies with routed_experts: nested lists, or base64 of .npy; one document or JSON lines',
  engines: 'vLLM',
  turnOn: '`vllm serve MODEL --enable-return-routed-experts`, then keep the completion replies',
  detect: ({ text }) =>
    !/"meta_info"/.test(text) &&
    (/"(prompt_)?routed_experts"\s*:/.test(text) || /"object"\s*:\s*"(text_completion|chat\.completion)"/.test(text)) &&
    /^\s*[{[]/.test(text),
  *requests(source) {
    for (const { value, place } of documents(source)) {
      const promptTokens = value.usage === undefined ? null : wholeAt(objectAt(value.usage, `${place}: usage`), 'prompt_tokens', place);
      const prompt = nested(value.prompt_routed_experts, `${place}: prompt_routed_experts`);
      for (const [index, entry] of arrayAt(value, 'choices', place).entries()) {
        const at = `${place}: choices[${index}].routed_experts`;
        const own = routed(objectAt(entry, at).routed_experts, at);
        const arrays = [prompt, own].filter((array) => array !== null);
        const rows = arrays.reduce((sum, array) => sum + array.tokens, 0);
        const promptRows = prompt?.tokens ?? promptTokens;
        yield { arrays, prompt: promptRows === null ? null : Math.min(promptRows, rows) };
      }
    }
  },
});

/** Choices of either generation; null if the reply has none. */
function routed(value: unknown, place: string): ChoiceArray | null {
  if (typeof value !== 'string') return nested(value, place);
  const { shape, values } = npyValues(place, bytesOfBase64(value));
  if (shape.length !== 3) throw new UserError(`${place}: shape (${shape.join(', ')}) is not (tokens, layers, top-k)`);
  const [tokens, layers, topK] = shape as [number, number, number];
  return { tokens, layers, topK, ids: values, place };
}

/** Nested lists [tokens][layers][top-k]; null if there are none. */
export function nested(value: unknown, place: string): ChoiceArray | null {
  if (value === undefined || value === null) return null;
  const rows = listOf(value, place);
  const layers = rows.length === 0 ? 0 : listOf(rows[0], place).length;
  const topK = layers === 0 ? 0 : listOf(listOf(rows[0], place)[0], place).length;
  const ids = new Float64Array(rows.length * layers * topK);
  let at = 0;
  rows.forEach((row, token) => {
    const lists = listOf(row, `${place}[${token}]`);
    if (lists.length !== layers) throw new UserError(`${place}[${token}]: ${lists.length} layers, the first token has ${layers}`);
    for (const list of lists) {
      const choices = listOf(list, `${place}[${token}]`);
      if (choices.length !== topK) throw new UserError(`${place}[${token}]: ${choices.length} choices, the first token has ${topK}`);
      for (const id of choices) ids[at++] = typeof id === 'number' ? id : Number.NaN;
    }
  });
  return { tokens: rows.length, layers, topK, ids, place };
}

function listOf(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new UserError(`${place}: not lists [tokens][layers][top-k]`);
  return value;
}

// Real recordings of one routing in some twenty layouts, where they lie beside the repository: each imports to exactly the truth.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openPopularity, openTrace } from '../../src/trace/open.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';
import { contentOf, uniformModel } from './builders.js';

const folder = fileURLToPath(new URL('../../../shared/traces/golden/', import.meta.url));
const device = fileURLToPath(new URL('../../../shared/device/', import.meta.url));
const there = existsSync(`${folder}truth.json`);
if (!there) console.warn(`golden recordings are not at ${folder}: their test is skipped`);

interface Truth {
  readonly prompt_tokens: number;
  readonly routed_experts: number[][][];
}

describe.skipIf(!there)('golden recordings', () => {
  const truth = (there ? JSON.parse(readFileSync(`${folder}truth.json`, 'utf8')) : null) as Truth;
  const model = uniformModel(24, 32, 8);
  const ids = there ? truth.routed_experts.flat(2) : [];

  it.each([
    ['vllm_0.21_completion.json', 44],
    ['vllm_0.22_completion.json', 44],
    ['vllm_offline_routed_experts.npy', 0],
    ['sglang_generate_int32.json', 44],
    ['sglang_generate_uint8.json', 44],
    ['sglang_per_token.pt', 44],
    ['recorder_int16.safetensors', 44],
    ['routing_npz_turn.npz', 0],
    ['megatron_router_trace_rank0.jsonl', 44],
    ['expertflow.jsonl', 44],
    ['moebeyond_prompt.csv', 0],
    ['allenai_c4_results.jsonl', 0],
  ])('%s', async (name, prompt) => {
    const trace = await openTrace(folder + name, { model });
    const content = contentOf(trace);
    trace.close();
    expect(content.columns.experts).toEqual(ids);
    expect(content.requests).toEqual([{ id: 0, start: 0, prefill: prompt, decode: 108 - prompt }]);
  });

  it.each(['llamacpp_log_experts.csv', 'mbolt_trace.bin'])(
    '%s: all but the last layer of the prompt, where llama.cpp routes the last token only',
    async (name) => {
      const trace = await openTrace(folder + name);
      const { experts } = contentOf(trace).columns;
      trace.close();
      let ragged = 0;
      experts.forEach((id, cell) => {
        if (id === NULL_EXPERT) ragged++;
        else expect(id).toBe(ids[cell]);
      });
      expect(ragged).toBe(43 * 8);
    },
  );

  it('the log with the strided view is caught', async () => {
    await expect(openTrace(`${folder}llamacpp_log_experts_BAD_STRIDE.csv`)).rejects.toThrow(/strided view/);
  });

  it.each(['imatrix_counts.gguf', 'moe_infinity_eam.npy', 'sglang_stat.pt', 'trtllm_rank0.safetensors'])(
    '%s: exact counts',
    async (name) => {
      const { counts } = await openPopularity(folder + name);
      const expected = counts.map((layer, index) =>
        Array.from(layer, (_, expert) => truth.routed_experts.filter((row) => row[index]!.includes(expert)).length),
      );
      expect(counts.map((layer) => [...layer])).toEqual(expected);
    },
  );

  it('gptoss_fingerprint_example.json: 41 decoded tokens', async () => {
    const trace = await openTrace(`${folder}gptoss_fingerprint_example.json`);
    const { columns, tokens, requests } = contentOf(trace);
    trace.close();
    expect([tokens, requests[0]!.prefill, columns.position[0]]).toEqual([41, 0, 164]);
    expect(columns.experts.slice(0, 8)).toEqual([31, 21, 22, 6, 18, 29, 12, 9]);
    expect(columns.weights[0]).toBe(0.5078125);
  });

  it.each([
    ['qwen.route.csv', { tokens: 28 + 128, layers: 48, topK: 6, prefill: 28, bytes: 3_059_712 }],
    ['gptoss.route.csv', { tokens: 85 + 64, layers: 36, topK: 2, prefill: 85, bytes: 13_219_200 }],
  ])('%s of a phone', async (name, shape) => {
    const trace = await openTrace(device + name);
    const { tokens, layers, topK, requests } = contentOf(trace);
    const bytes = trace.meta.expertBytes![0];
    trace.close();
    expect({ tokens, layers, topK, prefill: requests[0]!.prefill, bytes }).toEqual(shape);
  });
});

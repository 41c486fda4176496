// What every folder of golden samples holds: one routing in many layouts, and truth.json, the answer.
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { openPopularity, openTrace } from '../../src/trace/open/open.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';
import { contentOf, uniformModel } from './builders.js';

/** truth.json; `ids` are its choices in one row, tokens x layers x top-k. */
export interface Truth {
  readonly num_layers: number;
  readonly num_experts: number;
  readonly top_k: number;
  readonly prompt_tokens: number;
  readonly decode_rows: number;
  /** Row of the bundled trace at which the routing begins; only in samples that were made from it. */
  readonly first_row: number;
  readonly ids: readonly number[];
}

/** The truth of a folder of samples. */
export function readTruth(folder: string): Truth {
  const { routed_experts, ...shape } = JSON.parse(readFileSync(`${folder}truth.json`, 'utf8')) as Truth & { routed_experts: number[][][] };
  return { ...shape, ids: routed_experts.flat(2) };
}

/** Layouts of all rows that tell prompts from output. */
const PHASED = [
  'vllm_0.21_completion.json',
  'vllm_0.22_completion.json',
  'sglang_generate_int32.json',
  'sglang_generate_uint8.json',
  'sglang_per_token.pt',
  'recorder_int16.safetensors',
  'megatron_router_trace_rank0.jsonl',
  'expertflow.jsonl',
];

/** Layouts of all rows. */
export const WHOLE = [
  ...PHASED,
  'vllm_offline_routed_experts.npy',
  'routing_npz_turn.npz',
  'moebeyond_prompt.csv',
  'allenai_c4_results.jsonl',
];

/** A sample with all rows is the truth. */
export async function importsWhole(folder: string, name: string, truth: Truth): Promise<void> {
  const trace = await openTrace(folder + name, { model: uniformModel(truth.num_layers, truth.num_experts, truth.top_k) });
  const content = contentOf(trace);
  trace.close();
  const tokens = truth.prompt_tokens + truth.decode_rows;
  const prefill = PHASED.includes(name) ? truth.prompt_tokens : 0;
  expect(content.columns.experts).toEqual(truth.ids);
  expect(content.requests).toEqual([{ id: 0, start: 0, prefill, decode: tokens - prefill }]);
}

/** Layouts of llama.cpp's graph, whose last layer runs the last token of a prompt only. */
export const RAGGED = ['llamacpp_log_experts.csv', 'mbolt_trace.bin'];

/** A sample of llama.cpp is the truth but for the last layer of the prompt. */
export async function importsRagged(folder: string, name: string, truth: Truth): Promise<void> {
  const trace = await openTrace(folder + name);
  const { experts } = contentOf(trace).columns;
  trace.close();
  const perRow = truth.num_layers * truth.top_k;
  const missing = (cell: number) => Math.floor(cell / perRow) < truth.prompt_tokens - 1 && cell % perRow >= perRow - truth.top_k;
  expect(experts).toEqual(truth.ids.map((id, cell) => (missing(cell) ? NULL_EXPERT : id)));
}

/** Layouts that hold counts only. */
export const COUNTED = ['imatrix_counts.gguf', 'moe_infinity_eam.npy', 'sglang_stat.pt', 'trtllm_rank0.safetensors'];

/** A sample with counts has those of the truth. */
export async function importsCounts(folder: string, name: string, truth: Truth): Promise<void> {
  const expected = Array.from({ length: truth.num_layers }, () => new Array<number>(truth.num_experts).fill(0));
  truth.ids.forEach((id, cell) => {
    expected[Math.floor(cell / truth.top_k) % truth.num_layers]![id]!++;
  });
  const { counts } = await openPopularity(folder + name);
  expect(counts.map((layer) => [...layer])).toEqual(expected);
}

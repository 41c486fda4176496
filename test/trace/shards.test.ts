// A folder of shards is one trace: engines write a file for each rank or reply.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openPopularity, openTrace } from '../../src/trace/open/open.js';
import { allocateChunk } from '../../src/trace/trace.js';
import { temporaryFolder } from '../support/folder.js';
import { refusal } from '../support/own-parts.js';
import { safetensorsBytes } from './builders.js';
import { countFixtures, counts, fixtures, flat, PROMPT, TOKENS } from './formats/fixtures.js';

const base = temporaryFolder();

function folderOf(name: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = join(base, name);
  mkdirSync(folder);
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, file), bytes);
  return folder;
}

const row = (id: number): string => `{"request":${id},"experts":[[${id}],[1]]}\n`;

describe('openTrace of a folder', () => {
  it.each(['megatron', 'vllm nested'] as const)('joins files of %s, request after request', async (layout) => {
    const { bytes } = fixtures[layout]!;
    const trace = await openTrace(folderOf(layout, { 'rank0.json': bytes, 'rank1.json': bytes, '.hidden': 'x' }));
    expect([trace.tokens, trace.requests.length, trace.meta.notes.shards]).toEqual([2 * TOKENS, 2, '2']);
    expect(trace.requests[1]).toMatchObject({ start: TOKENS, prefill: PROMPT });
    const chunk = allocateChunk(trace, 2 * TOKENS);
    trace.read(0, 2 * TOKENS, chunk);
    expect([...chunk.experts]).toEqual([...flat('tlk'), ...flat('tlk')]);
    trace.close();
  });

  it('orders files by their numbers, and takes rows of the whole', async () => {
    const folder = folderOf('numbers', { 'rank10.jsonl': row(4), 'rank2.jsonl': row(3), 'rank1.jsonl': row(2) });
    const trace = await openTrace(`${folder}#1:3`);
    const chunk = allocateChunk(trace, 2);
    trace.read(0, 2, chunk);
    expect([trace.path, [...chunk.experts]]).toEqual([`${folder}#1:3`, [3, 1, 4, 1]]);
    trace.close();
  });

  it.each([
    ['none', {}, /the folder is empty; name the one that holds the recording's files/],
    ['a stranger', { 'a.jsonl': row(1), 'b.txt': 'notes\n' }, /b\.txt: no trace format that moeprof knows/],
    ['another model', { 'a.jsonl': row(1), 'b.jsonl': '{"experts":[[1]]}\n' }, /b\.jsonl: has 1 MoE layers, .*a\.jsonl has 2; join only/],
    ['counts', { 'a.safetensors': countFixtures['tensorrt-llm']!.bytes }, /holds how often each expert was chosen, not when/],
  ])('refuses %s in one line', async (name, files, message) => {
    expect(await refusal(() => openTrace(folderOf(name, files)))).toMatch(message);
  });

  it('refuses a folder among shards', async () => {
    const folder = folderOf('nested', { 'a.jsonl': row(1) });
    mkdirSync(join(folder, 'old'));
    expect(await refusal(() => openTrace(folder))).toMatch(/old: is a folder among shards; name the one that holds files only/);
  });
});

describe('openPopularity of a folder', () => {
  it('adds up the counts of ranks, and leaves out what TensorRT-LLM writes beside them', async () => {
    const { bytes } = countFixtures['tensorrt-llm']!;
    const beside = { 'meta_info.json': '{}', 'cooccurrence_rank0.safetensors': 'x' };
    const sum = await openPopularity(folderOf('trt', { 'rank0.safetensors': bytes, 'rank1.safetensors': bytes, ...beside }));
    expect(sum.counts.map((layer) => [...layer])).toEqual(counts.map((layer) => layer.map((count) => 2 * count)));
  });

  it('counts traces', async () => {
    const folder = folderOf('traces', { 'a.jsonl': row(2), 'b.jsonl': row(3) });
    expect((await openPopularity(folder)).counts.map((layer) => [...layer])).toEqual([
      [0, 0, 1, 1],
      [0, 2, 0, 0],
    ]);
    expect((await openPopularity(`${folder}#1:`)).counts[0]).toEqual(Float64Array.of(0, 0, 0, 1));
  });

  it('refuses shards that differ', async () => {
    const one = safetensorsBytes({ '0_0': { dtype: 'I64', shape: [2], data: BigInt64Array.of(1n, 2n) } });
    const files = { 'rank0.safetensors': countFixtures['tensorrt-llm']!.bytes, 'rank1.safetensors': one };
    expect(await refusal(() => openPopularity(folderOf('differ', files)))).toMatch(/rank1\.safetensors: counts 1 layers, other shards 5/);
  });
});

// One routing in every layout that engines and loggers emit: each sample imports to exactly the truth. The samples are made by
// golden/make.py with the original writers from a bundled trace; recordings of other models in the same layouts are in test/claims.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { auditTrace } from '../../src/trace/audit/index.js';
import { openTrace } from '../../src/trace/open/open.js';
import { bundledTrace, readRows } from '../cache/fixtures.js';
import { contentOf } from './builders.js';
import { COUNTED, importsCounts, importsRagged, importsWhole, RAGGED, readTruth, WHOLE } from './golden-samples.js';

const folder = fileURLToPath(new URL('golden/', import.meta.url));
const truth = readTruth(folder);

describe('golden samples', () => {
  it('are those that the script made', () => {
    const manifest = JSON.parse(readFileSync(`${folder}manifest.json`, 'utf8')) as Record<string, { bytes: number; sha256: string }>;
    const samples = readdirSync(folder).filter((name) => !['make.py', 'manifest.json'].includes(name));
    expect(samples.sort()).toEqual(Object.keys(manifest).sort());
    for (const [name, { bytes, sha256 }] of Object.entries(manifest)) {
      const data = readFileSync(folder + name);
      expect([name, data.length, createHash('sha256').update(data).digest('hex')]).toEqual([name, bytes, sha256]);
    }
  });

  it('say what the bundled trace says', () => {
    const rows = readRows(bundledTrace('mini-finegrained-64x12l'));
    const perRow = rows.layers * rows.topK;
    const from = truth.first_row * perRow;
    expect([rows.layers, rows.topK]).toEqual([truth.num_layers, truth.top_k]);
    expect(truth.ids).toEqual([...rows.experts.subarray(from, from + truth.ids.length)]);
    expect(truth.ids).toHaveLength(60 * perRow);
  });

  it.each([...WHOLE, 'routing_npz_turn_compressed.npz'])('%s', (name) => importsWhole(folder, name, truth));

  it.each(RAGGED)('%s: all but the last layer of the prompt, where llama.cpp routes the last token only', (name) =>
    importsRagged(folder, name, truth),
  );

  it('the log with the strided view is caught', async () => {
    await expect(openTrace(`${folder}llamacpp_log_experts_BAD_STRIDE.csv`)).rejects.toThrow(/strided view/);
  });

  it.each(COUNTED)('%s: exact counts', (name) => importsCounts(folder, name, truth));

  it('gptoss_fingerprint_example.json: decoded tokens only, with their probabilities', async () => {
    const trace = await openTrace(`${folder}gptoss_fingerprint_example.json`);
    const { columns, requests, tokens } = contentOf(trace);
    trace.close();
    expect([tokens, requests[0]!.prefill, columns.position[0]]).toEqual([24, 0, 36]);
    expect(columns.experts).toEqual(truth.ids.slice(36 * 12 * 6));
    // .310547 as bfloat16, as torch rounds it.
    expect(columns.weights[0]).toBe(0.310546875);
  });

  it('bigmoeonedge.route.csv: with the bytes of an expert and weights', async () => {
    const trace = await openTrace(`${folder}bigmoeonedge.route.csv`);
    const { columns, requests } = contentOf(trace);
    const { expertBytes, model } = trace.meta;
    trace.close();
    expect(columns.experts).toEqual(truth.ids);
    expect([requests, model]).toEqual([[{ id: 0, start: 0, prefill: 36, decode: 24 }], 'mini-finegrained-64x12l.gguf']);
    expect(expertBytes).toEqual(new Array(12).fill(110_592));
    expect(columns.weights[1]).toBeCloseTo(0.207031, 6);
  });

  it.each([
    ['recorder_int16.safetensors', []],
    ['mbolt_trace.bin', ['ragged-layers']],
  ])('the audit of %s finds %j', async (name, expected) => {
    const trace = await openTrace(folder + name);
    const findings = auditTrace(trace);
    trace.close();
    expect(findings.map(({ code, level }) => [code, level])).toEqual(expected.map((code) => [code, 'note']));
  });
});

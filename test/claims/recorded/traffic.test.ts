// Real arrivals over real routing: Azure's conversations on Qwen3-30B-A3B.
import { expect, it } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';
import type { Result } from '../../../src/result/result.js';
import { loadHardware } from '../../../src/runtime/machine.js';
import { readArrivals } from '../../../src/schedule/arrivals/load.js';
import { recorded, recording } from './recording.js';

const ROUTING = 'traces/qwen3-30b-a3b.code.safetensors';
const CONVERSATIONS = 'workloads/AzureLLMInferenceTrace_conv.csv';
const CODE = 'workloads/AzureLLMInferenceTrace_code.csv';
const MOONCAKE = 'workloads/mooncake_conversation_trace.jsonl';
const SHAREGPT = 'workloads/llmservingsim_sharegpt_qwen3-30b-a3b_lengths.csv';
const conversations = recording(CONVERSATIONS);
const trace = recording(ROUTING);

const of = (result: Result, name: string): number => result.metrics[name]!.value;
const common = { model: 'qwen3-30b-a3b', trace, hardware: 'rtx-4090', memory: { expertCache: '25%' }, bounds: false };

recorded('recorded traffic', [ROUTING, CONVERSATIONS, CODE, MOONCAKE, SHAREGPT], () => {
  const requests = 80;
  const rates = [0.05, 0.2, 0.8, 3.2];

  it('Azure conversations on qwen3-30b-a3b, rtx-4090: throughput saturates, the TTFT of the unlucky rises, nobody is lost, and memory suffices', {
    timeout: 240_000,
  }, async () => {
    const results: Result[] = [];
    for (const rate of rates) {
      results.push(
        await simulate({ ...common, system: 'on-demand-lru', workload: { arrivals: conversations, rate, requests, batch: 16 } }),
      );
    }
    const { output, prompt } = readArrivals(conversations, requests);
    // The first token of an output comes with its prompt.
    const tokens = prompt.reduce((sum, length, i) => sum + length + output[i]! - 1, 0);
    const bytes = loadHardware('rtx-4090').tiers[0]!.bytes;
    for (const result of results) {
      expect(of(result, 'workload.requests')).toBe(requests);
      expect(of(result, 'workload.tokens')).toBe(tokens);
      expect(of(result, 'memory.gpu.peak')).toBeLessThanOrEqual(bytes);
      expect(result.warnings.map(({ code }) => code)).not.toContain('does-not-fit');
      expect(of(result, 'schedule.overtaken')).toBe(0);
    }
    const [throughput, ttft] = [
      results.map((result) => of(result, 'throughput.total')),
      results.map((result) => of(result, 'latency.ttft.p99')),
    ];
    for (let i = 1; i < rates.length; i++) {
      expect(ttft[i]!).toBeGreaterThan(ttft[i - 1]!);
      expect(throughput[i]!).toBeGreaterThan(throughput[i - 1]!);
    }
    // Four times the rate: well over twice the throughput far below saturation, next to nothing above.
    expect(throughput[1]! / throughput[0]!).toBeGreaterThan(2);
    expect(throughput[3]! / throughput[2]!).toBeLessThan(1.05);
  });

  it('arrivals of published traces are read whole', () => {
    const [conv, code, mooncake, sharegpt] = [CONVERSATIONS, CODE, MOONCAKE, SHAREGPT].map((name) => readArrivals(recording(name)));
    expect([conv!.count, code!.count, mooncake!.count, sharegpt!.count]).toEqual([19366, 8819, 12031, 300]);
    // An hour of traffic each, as published.
    for (const { arrivalNs, count } of [conv!, code!, mooncake!]) expect(arrivalNs[count - 1]! / 3600e9).toBeCloseTo(1, 1);
  });
});

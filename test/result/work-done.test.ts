// What was run is what a result says of itself: requests that arrive by themselves walk a trace as often as they need.
import { describe, expect, it, vi } from 'vitest';
import { simulate } from '../../src/engine/simulate.js';
import { summarizeResult } from '../../src/report/summary/summary.js';
import { requestsRun, tokensRun } from '../../src/result/work-done.js';
import { sampleResult } from './sample.js';

vi.setConfig({ testTimeout: 60_000 });

describe('a run with arrivals', () => {
  it('counts its own tokens, not those of the trace, in its title and in every figure per token', async () => {
    const result = await simulate({
      trace: 'mini-mixtral-8x8l',
      hardware: 't4',
      memory: { expertCache: '50%' },
      workload: { arrivals: 'poisson:rate=50', requests: 3, prompt: 10, output: 5, batch: 1, slo: 'ttft=1s' },
    });
    // The first token of an output comes with its prompt.
    const tokens = 3 * (10 + 5 - 1);
    expect([tokensRun(result), requestsRun(result)]).toEqual([tokens, 3]);
    expect(summarizeResult(result).origin).toBe(`${tokens} tokens of 3 requests from mini-mixtral-8x8l`);
    const { facts, latency } = summarizeResult(result);
    expect(latency!.rows.map(([label]) => label!.text)).toEqual(['queueing', 'TTFT', 'TPOT', 'ITL', 'pass', 'request']);
    expect(Object.fromEntries(facts).goodput).toMatch(/ tok\/s generated, 100\.0 % of the requests in time$/);
    expect(result.metrics['throughput.total']!.value).toBe((tokens * 1e9) / result.metrics['time.total']!.value);
  });
});

it('results of versions that did not count are read by their traces', () => {
  const result = sampleResult();
  expect(result.metrics['workload.tokens']).toBeUndefined();
  expect([tokensRun(result), requestsRun(result)]).toEqual([result.inputs.traces[0]!.tokens, result.inputs.traces[0]!.requests]);
});

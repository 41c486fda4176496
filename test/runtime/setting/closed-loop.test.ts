import { describe, expect, it } from 'vitest';
import { ALONE, closedLoop } from '../../../src/runtime/setting/closed-loop.js';

// A prompt of 1,000 tokens in 2 s, a step of four users in 200 ms.
const speeds = { decode: 20, prefill: 500 };
const four = { users: 4, ubatch: 1003 };

describe('a closed loop', () => {
  it('of one user is a prompt, and one token after another', () => {
    const { throughput, tpot, ttft } = closedLoop(speeds, ALONE, { prompt: 1000, output: 100 });
    expect([throughput, tpot, ttft]).toEqual([100 / 7, 50e6, 2e9]);
  });

  it('of four has four prompts in a cycle, and a token in each of the three of others: 8 s and 97 steps', () => {
    const { throughput, tpot, ttft } = closedLoop(speeds, four, { prompt: 1000, output: 100 });
    expect(throughput).toBeCloseTo(400 / 27.4, 9);
    expect(ttft).toBe(2e9);
    expect(tpot).toBeCloseTo(254e6, 3);
  });

  it('adds to a pass of a prompt what the tokens of others take', () => {
    const { throughput, ttft } = closedLoop({ ...speeds, ridersNs: 1e8 }, four, { prompt: 1000, output: 100 });
    expect(ttft).toBe(2.1e9);
    expect(throughput).toBeCloseTo(400 / 27.8, 9);
  });

  it('lets the last tokens of a prompt share a step: a first token after 2.2 s less what they are of it', () => {
    const { throughput, tpot, ttft } = closedLoop(speeds, { users: 4, ubatch: 803 }, { prompt: 1000, output: 100 });
    // 1.25 passes a prompt, 3.75 of others, .75 of a step of its own: 8 s and 100 - 3.75 + .75 steps.
    expect(ttft).toBe(2.15e9);
    expect(throughput).toBeCloseTo(400 / 27.4, 9);
    expect(tpot).toBeCloseTo((27.4e9 - 2.15e9) / 100, 3);
  });

  it('is bound by prompts if an answer meets more of them than it has tokens: the rest waits before the first token', () => {
    const { throughput, tpot, ttft } = closedLoop(speeds, four, { prompt: 1000, output: 2 });
    expect(throughput).toBeCloseTo(1, 9);
    expect([ttft, tpot]).toEqual([4e9, 2e9]);
  });
});

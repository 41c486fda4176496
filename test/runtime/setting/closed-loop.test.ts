import { describe, expect, it } from 'vitest';
import { ALONE, closedLoop } from '../../../src/runtime/setting/closed-loop.js';

// A pass of 100 tokens in 2 s, a step of two users in 200 ms.
const speeds = { decode: 10, prefill: 50 };
const two = { users: 2, ubatch: 100 };

describe('a closed loop', () => {
  it('of one user is a prompt, and one token after another', () => {
    const { throughput, tpot, ttft } = closedLoop({ decode: 20, prefill: 500 }, ALONE, { prompt: 1000, output: 100 });
    expect([throughput, tpot, ttft]).toEqual([100 / 7, 50e6, 2e9]);
  });

  it('of two has a full pass of each prompt, a step with its last token, and eight more steps', () => {
    const { throughput, tpot, ttft } = closedLoop(speeds, two, { prompt: 100, output: 10 });
    // 12 passes for 20 tokens: twice 2 s and .2 s, eight times .2 s; an answer meets one of both prompts.
    expect(throughput).toBeCloseTo(20 / 6, 9);
    expect(ttft).toBeCloseTo(2.2e9, 0);
    expect(tpot).toBeCloseTo(0.38e9, 0);
  });

  it('adds to a pass of a prompt what the token of the other takes: 6 x 2.05, 2 x .15 and 6 x .2 s', () => {
    const { throughput } = closedLoop({ ...speeds, ridersNs: 5e7 }, two, { prompt: 298, output: 10 });
    expect(throughput).toBeCloseTo(20 / 13.8, 9);
  });

  it('has short prompts of both in one pass, at the time that such a pass was priced at', () => {
    const passes = [{ rows: 100, ns: 1.5e9 }];
    const { throughput, tpot, ttft } = closedLoop({ ...speeds, passes }, two, { prompt: 50, output: 10 });
    expect(throughput).toBeCloseTo(20 / 3.5, 9);
    expect(ttft).toBeCloseTo(1.5e9, 0);
    expect(tpot).toBeCloseTo(0.2e9, 0);
  });

  it('takes a power law between priced passes: 28 of 2 to 100 tokens', () => {
    const { ttft } = closedLoop(speeds, two, { prompt: 113, output: 100 });
    // Two full passes hold 99 of one prompt, its last 14 and 86 of the other; 27 tokens beside one of the first are left.
    expect(ttft).toBeCloseTo((4e9 + 2e9 + 2e8 * 10 ** (Math.log(14) / Math.log(50))) / 2, 0);
  });

  it('is bound by prompts if answers are short: full passes, and a step of the last token of every other prompt', () => {
    const { throughput } = closedLoop(speeds, two, { prompt: 100, output: 1 });
    expect(throughput).toBeCloseTo(2 / 4.2, 9);
  });

  it('lets users wait where a pass has fewer tokens than users', () => {
    const { throughput, ttft } = closedLoop({ decode: 40, prefill: 4 }, { users: 8, ubatch: 4 }, { prompt: 4, output: 4 });
    expect(throughput).toBeGreaterThan(0);
    expect(ttft).toBeGreaterThan(1e9);
  });

  it('jumps over equal passes: 2,000 users with prompts of a million tokens', () => {
    const { throughput } = closedLoop({ decode: 10_000, prefill: 5000 }, { users: 2000, ubatch: 2048 }, { prompt: 1e6, output: 1e6 });
    expect(throughput).toBeGreaterThan(1000);
    expect(throughput).toBeLessThan(10_000);
  });
});

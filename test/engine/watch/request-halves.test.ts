// How far ten times as many requests would move the mean, by hand, and beside runs that are ten times as long.
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';
import { RequestHalves } from '../../../src/engine/watch/latency.js';
import { tenfoldOfAll, tenfoldText } from '../../../src/report/words.js';
import { Request } from '../../../src/schedule/request.js';

/** Requests of `halves`: ns that two tokens of each half take. */
function served(...requests: readonly (readonly [first: number, second: number])[]): RequestHalves {
  const halves = new RequestHalves();
  for (const [index, [first, second]] of requests.entries()) {
    const request = new Request({ index, start: 0, prefill: 3, decode: 4, arrivalNs: 0 });
    request.firstTokenNs = 100;
    for (const [done, at] of [
      [3, 0],
      [4, first / 2],
      [5, first],
      [6, first + second / 2],
      [7, first + second],
    ] as const)
      halves.generated(request, done, 100 + at);
    halves.finished(request, 100 + first + second);
  }
  return halves;
}

describe('ten times as many requests', () => {
  it('move the mean by their own spread', () => {
    // TPOT 10 and 14: mean 12, deviation sqrt(8); times sqrt(.9 / 2) that is sqrt(3.6), of 12.
    expect(served([20, 20], [28, 28]).tenfold()).toEqual({ requests: 2, tpot: Math.sqrt(3.6) / 12 });
    expect(served([20, 20], [20, 20]).tenfold()).toEqual({ requests: 2, tpot: 0 });
  });

  it('or by that of their halves, where requests are alike by chance', () => {
    // Whole requests: 12 each. Halves 10, 14, 14, 10: deviation sqrt(16 / 3), times sqrt(.9 / 4).
    const { tpot } = served([20, 28], [28, 20]).tenfold()!;
    expect(tpot).toBeCloseTo((Math.sqrt(16 / 3) * Math.sqrt(0.225)) / 12, 12);
  });

  it('of one request only its halves tell, of none nothing does', () => {
    const { requests, tpot } = served([20, 28]).tenfold()!;
    expect([requests, tpot]).toEqual([1, expect.closeTo((Math.sqrt(8) * Math.sqrt(0.45)) / 12, 12)]);
    expect(served().tenfold()).toBeNull();
  });
});

it('is said in a line where it is more than a few percent', () => {
  expect(tenfoldText({})).toBeNull();
  expect(tenfoldText({ tenfold: { requests: 2, tpot: 0.029 } })).toBeNull();
  expect(tenfoldText({ tenfold: { requests: 2, tpot: 0.094 } })).toBe('2 requests: ten times as many would move TPOT by about 9 %');
  expect(tenfoldText({ tenfold: { requests: 1, tpot: 0.01 } })).toBe('1 request, and others may be unlike it: give more tokens (--tokens)');
  const run = (name: string, tpot: number) => ({ name, result: { tenfold: { requests: 2, tpot } } });
  expect(tenfoldOfAll([run('a', 0.01), run('b', 0.2), run('c', 0.1)])).toBe(
    '2 requests: ten times as many would move b by about 20 %, no other by more.',
  );
  expect(tenfoldOfAll([run('a', 0.01), { name: 'd', result: {} }])).toBeNull();
});

describe('beside a run of ten times the length', () => {
  const run = async (system: string, tokens: number, prompt = 128) => {
    const memory = { expertCache: '75%' };
    const workload = { tokens, prompt };
    const { metrics, tenfold } = await simulate({
      ...{ model: 'olmoe-1b-7b', hardware: 'rtx-4090', runtime: 'llama.cpp', system, memory, workload, bounds: false },
    });
    return { tenfold: tenfold!, tpot: metrics['latency.tpot.mean']!.value };
  };

  it.each(['on-demand-lru', 'fiddler', 'mixtral-offloading', 'llama.cpp-hot-cache'])(
    '%s moves at most twice as far as is said, or a fiftieth',
    async (system) => {
      const [short, long] = [await run(system, 512), await run(system, 5120)];
      expect(Math.abs(long.tpot / short.tpot - 1)).toBeLessThan(Math.max(0.02, 2 * short.tenfold.tpot));
      expect(long.tenfold.tpot).toBeLessThan(Math.max(0.02, short.tenfold.tpot));
    },
  );

  it('a large cache that is cold says that it moves far, and does', async () => {
    const [short, long] = [await run('on-demand-lru', 128, 0), await run('on-demand-lru', 1280, 0)];
    expect(short.tenfold).toMatchObject({ requests: 1 });
    expect(short.tenfold.tpot).toBeGreaterThan(0.1);
    expect(long.tpot / short.tpot - 1).toBeLessThan(-0.1);
  });
});

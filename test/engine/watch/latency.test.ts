// TTFT, TPOT, ITL and request latency by hand, as serving engines define them.
import { describe, expect, it } from 'vitest';
import { BoundClocks } from '../../../src/engine/foresight/clocks.js';
import { EventDemand } from '../../../src/engine/vocabulary/event.js';
import { Latencies } from '../../../src/engine/watch/latency.js';
import { CostModel } from '../../../src/hardware/cost.js';
import { passesOf, traceOf } from '../../schedule/fixtures.js';
import { wholeLink, wholeMachine, wholeModel } from '../scenario.js';

const model = wholeModel([{ experts: 50, bytes: 10, activationNs: 0, denseNs: 0 }], 1, 0);
const hardware = wholeMachine([wholeLink('h2d', 1)]);

/** Runs requests on a clock where a pass takes 10 ns and 5 more per token; the bound's clock is twice as fast. */
function serve(lengths: readonly { prefill: number; decode: number }[], batch: number, budget = 512): Latencies {
  const bounds = new BoundClocks(
    new EventDemand(model),
    model,
    hardware,
    new CostModel(model, hardware),
    true,
    { floor: null, found: null },
    false,
  );
  const latencies = new Latencies(bounds);
  const trace = traceOf(lengths);
  const passes = passesOf(trace, trace.requests, 'fcfs', batch, budget);
  let now = 0;
  for (let start = passes.next(0); start >= 0; start = passes.next(now)) {
    now = start + 10 + 5 * passes.pass.tokens;
    latencies.started(passes.shares, start);
    bounds.dense((now - start) / 2);
    latencies.ended(passes.shares, start, now);
    passes.done(now);
  }
  return latencies;
}

const of = (samples: { values(): Float64Array }) => [...samples.values()];

/** Tokens per second of decoding and of prompts (L21). */
const speedsOf = ({ speeds }: Latencies) => [speeds.decode, speeds.prefill];

describe('latencies', () => {
  it('one request: the first token is there when the prompt has run', () => {
    // Prompt of 4: 0-30, the first token. Three decode steps of 15: 45, 60, 75.
    const latencies = serve([{ prefill: 4, decode: 3 }], 1);
    expect(of(latencies.pass)).toEqual([30, 15, 15, 15]);
    expect(of(latencies.ttft)).toEqual([30]);
    expect(of(latencies.itl)).toEqual([15, 15, 15]);
    expect(of(latencies.tpot)).toEqual([(75 - 30) / 3]);
    expect(of(latencies.request)).toEqual([75]);
    expect(of(latencies.tpotAllResident)).toEqual([7.5]);
    // L21: three tokens after the first in 45 ns, a prompt of four in 30.
    expect(speedsOf(latencies)).toEqual([3e9 / 45, 4e9 / 30]);
  });

  it('a prompt in chunks: TTFT ends with the last chunk', () => {
    // Chunks of 2, 2 and 1 tokens: 20 + 20 + 15.
    const latencies = serve([{ prefill: 5, decode: 1 }], 1, 2);
    expect(of(latencies.ttft)).toEqual([55]);
    expect(speedsOf(latencies)).toEqual([1e9 / 15, 5e9 / 55]);
  });

  it('two users: a token waits for the prompt that shares its pass; the third request arrives when the first is answered', () => {
    // Pass 1: prompts of 2 and 2 (0-30). Pass 2: 0 and 1 decode (30-50), 0 is done; its user sends request 2. Pass 3: 1 decodes beside
    // the prompt of 2, 3 tokens (50-80: 10 + 5 x 4). Pass 4: 2 decodes alone (80-95).
    const latencies = serve(
      [
        { prefill: 2, decode: 1 },
        { prefill: 2, decode: 2 },
        { prefill: 3, decode: 1 },
      ],
      2,
    );
    expect(of(latencies.ttft)).toEqual([30, 30, 80 - 50]);
    expect(of(latencies.itl)).toEqual([20, 20, 30, 15]);
    expect(of(latencies.tpot)).toEqual([20, (80 - 30) / 2, 15]);
    expect(of(latencies.request)).toEqual([50, 80, 95 - 50]);
    // L21: what a user sees. One, two and one tokens after the first in 20, 50 and 15 ns; prompts of 2, 2 and 3 in 30 ns each.
    expect(speedsOf(latencies)).toEqual([4e9 / 85, 7e9 / 90]);
  });

  it('without a prompt there is no TTFT, and TPOT counts from the start of the first pass', () => {
    const latencies = serve([{ prefill: 0, decode: 4 }], 1);
    expect(of(latencies.ttft)).toEqual([]);
    expect(of(latencies.itl)).toEqual([15, 15, 15, 15]);
    expect(of(latencies.tpot)).toEqual([15]);
    expect(speedsOf(latencies)).toEqual([1e9 / 15, null]);
  });

  it('a request that generates nothing has a TTFT and no TPOT', () => {
    const latencies = serve([{ prefill: 3, decode: 0 }], 1);
    expect([of(latencies.ttft), of(latencies.tpot), of(latencies.request)]).toEqual([[25], [], [25]]);
    expect(speedsOf(latencies)).toEqual([null, 3e9 / 25]);
  });
});

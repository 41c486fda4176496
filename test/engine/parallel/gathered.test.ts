// Data parallelism of an event by hand: what is gathered, what each GPU then computes, and when it is chosen.
import { describe, expect, it } from 'vitest';
import { shardsOf } from '../../../src/engine/memory/shard.js';
import { Gathered } from '../../../src/engine/parallel/gathered.js';
import { Pipeline, Sequence } from '../../../src/engine/parallel/pipeline.js';
import { CostModel } from '../../../src/hardware/cost.js';
import type { Pass } from '../../../src/schedule/pass.js';
import { EVERYWHERE } from '../../../src/system/placement/placement.js';
import { NULL_EXPERT } from '../../../src/trace/trace.js';
import { wholeLink, wholeMachine, wholeModel } from '../scenario.js';

// Four experts of 10 bytes, read in 10 ns; an activation takes 4 ns, so that two are free. Expert 3 lives everywhere, 0 and 1 on GPU 0, 2 on GPU 1.
const model = wholeModel([{ experts: 4, bytes: 10, activationNs: 4, denseNs: 0 }], 2, 0);
const cost = new CostModel(model, wholeMachine([wholeLink('h2d', 1)]));
const homes = Int32Array.of(0, 0, 1, EVERYWHERE);
const interconnect = { bandwidth: 1e9, latencyNs: 3 };
const gathered = new Gathered(model, cost, interconnect, shardsOf(model, homes, 2));
const pipeline = new Pipeline(cost, interconnect, 4, 1, { exchanges: true, gathered });

/** Tokens of requests on these GPUs, and what each chose. */
function count(gpus: readonly number[], rows: readonly (readonly number[])[]): void {
  const pass = { tokens: rows.length, topK: 2, row: 2, gpu: Int32Array.from(gpus), choices: Uint16Array.from(rows.flat()) };
  gathered.count(pass as unknown as Pass, 0);
}

function sequence(...members: readonly (readonly [count: number, readyNs: number])[]): Sequence {
  const own = new Sequence(4);
  for (const [activations, readyNs] of members) own.add(activations, readyNs);
  return own;
}

describe('what is gathered', () => {
  it('is what a GPU lacks of the layer: 10 bytes of one, 20 of the other, 3 + 20 ns for both', () => {
    expect([...gathered.bytes]).toEqual([30]);
    expect([...gathered.gatherNs]).toEqual([23]);
  });

  it('each GPU computes its own tokens, whichever experts they chose', () => {
    count(
      [0, 1, 0, 0],
      [
        [0, 2],
        [2, NULL_EXPERT],
        [0, 3],
        [0, 1],
      ],
    );
    // GPU 0: expert 0 three times, 12 ns; 1, 2 and 3 once, 10 ns each. GPU 1: expert 2 once.
    expect([[...gathered.workNs], [...gathered.activations], gathered.longestNs]).toEqual([[42, 10], [6, 1], 42]);
    expect(gathered.executions(0, 0)).toEqual([
      { id: 0, ns: 12 },
      { id: 1, ns: 10 },
      { id: 2, ns: 10 },
      { id: 3, ns: 10 },
    ]);
    expect(gathered.executions(1, 0)).toEqual([{ id: 2, ns: 10 }]);
  });
});

describe('an event', () => {
  // Ten tokens on each GPU, all of which choose expert 2: 40 ns on either, or 80 ns on GPU 1 alone.
  const tokens = (each: number) =>
    count(
      Array.from({ length: 2 * each }, (_, t) => t % 2),
      Array.from({ length: 2 * each }, () => [2, NULL_EXPERT]),
    );

  it('gathers where that ends sooner: 23 + 40 ns, in place of twice 3 + 80 ns and 80 ns of work', () => {
    tokens(10);
    expect(pipeline.endNs(0, [sequence(), sequence([20, 100])], 10, 100)).toBe(100 + 23 + 40);
    expect(pipeline).toMatchObject({ gathered, degree: 1, exchangeNs: 23 });
  });

  it('sends where that ends sooner: twice 3 + 8 ns and 10 ns, in place of 23 + 10 ns', () => {
    tokens(1);
    expect(pipeline.endNs(0, [sequence(), sequence([2, 0])], 1, 0)).toBe(11 + 10 + 11);
    expect(pipeline).toMatchObject({ gathered: null, exchangeNs: 11 });
  });

  it('sends where weights are still to come, the CPU computes, or nothing may be gathered', () => {
    tokens(10);
    const sent = 83 + 80 + 83;
    expect(pipeline.endNs(0, [sequence(), sequence([20, 1])], 10, 0)).toBe(sent);
    const beside = sequence([20, 0]);
    beside.cpuNs = 1;
    expect(pipeline.endNs(0, [sequence(), beside], 10, 0)).toBe(sent);
    const only = new Pipeline(cost, interconnect, 4, 1, { exchanges: true, gathered: null });
    expect(only.endNs(0, [sequence(), sequence([20, 0])], 10, 0)).toBe(sent);
    expect([pipeline.gathered, only.gathered]).toEqual([null, null]);
  });
});

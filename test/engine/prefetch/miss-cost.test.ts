// What one more miss costs where the CPU computes misses, by hand: GPU 10 ns an expert, CPU 20 after a handover of 5, link 40.
import { describe, expect, it } from 'vitest';
import { MissCost } from '../../../src/engine/prefetch/miss-cost.js';
import type { RunningEvent } from '../../../src/engine/vocabulary/event.js';
import type { Gpu } from '../../../src/engine/vocabulary/gpu.js';
import type { MissAction } from '../../../src/system/actions.js';
import { ruleOf } from '../../../src/system/miss-rules.js';

/** After one event with so many hits and misses, each of one activation. */
function costAfter(action: MissAction, hits: number, misses: number): number {
  const cost = { cpuQueues: 1, handoverNs: 5, expertNs: () => 10, cpuExpertNs: () => 20 };
  const means = new MissCost({ model: { layers: [{}] }, cost, onMiss: [ruleOf(action)] } as unknown as Gpu);
  means.judged({ demand: { activations: hits + misses }, hits, misses, waits: 0 } as unknown as RunningEvent);
  return means.ns(0, 40);
}

describe('MissCost', () => {
  it('is a transfer where all misses are loaded', () => {
    expect(costAfter('load', 1, 1)).toBe(40);
  });

  it('is what the event lasts longer by where the CPU ends last', () => {
    // Two misses: the CPU ends at 45; one: at 25. The GPU has 10 or 20.
    expect(costAfter('cpu', 1, 2)).toBe(20);
    // The first miss hands over: 25 against two hits of 20.
    expect(costAfter('cpu', 1, 1)).toBe(5);
  });

  it('is nothing where the GPU ends last: a hit more would only keep it longer', () => {
    // Five hits and a miss: 50 on the GPU, 25 on the CPU; as six hits it would last 60.
    expect(costAfter('cpu', 5, 1)).toBe(0);
    // An event without a miss is taken for one with its first.
    expect(costAfter('cpu', 6, 0)).toBe(0);
  });

  it('takes each miss where the event ends soonest', () => {
    // Three misses: two on the CPU to 45, the third over the link to 40 + 10 = 50. Two misses: 45 on the CPU alone.
    expect(costAfter('cheaper', 1, 3)).toBe(5);
    // On the CPU alone the third would last to 65.
    expect(costAfter('cpu', 1, 3)).toBe(20);
  });
});

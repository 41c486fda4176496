// One pass worked out by hand: three events on two links, with a load, a late, a cancelled and a useful prefetch, and misses on the CPU.
import { describe, expect, it } from 'vitest';
import { simulateByEngine } from './harness.js';
import { simulateByTheBook } from './reference.js';
import { wholeLink, wholeMachine } from './scenario.js';
import { says, world } from './world.js';

// Experts of 100 bytes, three per layer: 0-2, 3-5, 6-8. Prices:
const DENSE = 200; // before each layer
const LAUNCH = 5; // of an expert's kernels, on both processors
const GPU = 100 * 1 + LAUNCH; // 100 bytes at 1 ns
const CPU = 100 * 2 + LAUNCH; // 100 bytes at 2 ns
const HANDOVER = 25; // to the CPU and back, once per event
const H2D = 10 + 100 * 2; // latency, 100 bytes at 2 ns; one lane
const SSD = 20 + 100 * 4; // latency, 100 bytes at 4 ns on each of two lanes
const TAIL = 50 + 7; // dense work after the last layer, overhead of the pass

const scenario = world({
  layers: [
    { experts: 3, bytes: 100, denseNs: DENSE },
    { experts: 3, bytes: 100, denseNs: DENSE },
    { experts: 3, bytes: 100, denseNs: DENSE },
  ],
  tailNs: 50,
  hardware: wholeMachine([wholeLink('h2d', 2, 10, 1), wholeLink('ssd', 4, 20, 2)], { launchNs: LAUNCH, handoverNs: HANDOVER, passNs: 7 }),
  capacityBytes: 600,
  dram: { policy: 'lru', capacityBytes: 900 },
  onMiss: 'cheaper',
  passes: [
    [
      [
        [0, 1],
        [0, 2],
        [0, 1],
      ],
    ],
  ],
  // Once layer 0 is known, 3 and 4 are expected at layer 1; once layer 1 is known, 6 at layer 2. The predictor itself is free.
  script: says({ '1/0': { 3: 1, 4: 0.5 }, '1/1': { 6: 1 } }),
});

describe('a timeline worked out by hand', () => {
  // Event 1, layer 0: experts 0 and 1; everything is cold, both lie on the SSD.
  const t1 = DENSE; // 200
  const inDram = t1 + SSD; // 620: both, each on its own lane
  // Expert 0: the CPU would be done at 620 + 205 = 825, the GPU at 620 + 210 + 105 = 935: CPU.
  const cpu1 = Math.max(t1 + HANDOVER, inDram) + CPU; // 825
  // Expert 1: the CPU, busy until 825, would be done at 1030, the GPU at 935: loaded.
  const arrival1 = inDram + H2D; // 830
  const e1 = Math.max(cpu1, arrival1 + GPU); // 935
  // The prefetches of 3 and 4 were planned at 200, find both SSD lanes free at 620, and are in DRAM at 1040. One h2d lane: 3 starts
  // at 1040 and arrives at 1250; 4 could start then, but its layer is known before.
  const arrival3 = inDram + SSD + H2D; // 1250

  // Event 2, layer 1: experts 3 and 5.
  const t2 = e1 + DENSE; // 1135: 3 is late, 4 is cancelled, 5 is a miss
  const dram5 = t2 + SSD; // 1555, on the first lane; both are free since 1040
  // Expert 5: the CPU would be done at 1555 + 205 = 1760, the GPU at 1555 + 210 + 105 = 1870: CPU.
  const cpu2 = Math.max(t2 + HANDOVER, dram5) + CPU; // 1760
  const e2 = Math.max(arrival3 + GPU, cpu2); // max(1355, 1760)
  // The prefetch of 6 is planned at 1135: second SSD lane until 1555, then h2d until 1765.
  const arrival6 = t2 + SSD + H2D; // 1765

  // Event 3, layer 2: experts 6 and 7.
  const t3 = e2 + DENSE; // 1960: 6 is a hit
  const cpu3 = Math.max(t3 + HANDOVER, t3 + SSD) + CPU; // 2585: 7 by the CPU (GPU: 1960 + 420 + 210 + 105 = 2695)
  const e3 = Math.max(t3 + GPU, cpu3);

  it('adds up to these figures', () => {
    expect([t1, e1, t2, e2, t3, e3]).toEqual([200, 935, 1135, 1760, 1960, 2585]);
    expect(arrival6).toBeLessThan(t3);
  });

  it('is what the engine says, to the nanosecond', async () => {
    const outcome = await simulateByEngine(scenario);
    const [pass] = outcome.passes;
    const of = (key: 'startNs' | 'endNs' | 'hits' | 'late' | 'misses' | 'stallNs' | 'cpuNs' | 'computeNs') =>
      pass!.layers.map((layer) => layer[key]);
    expect(of('startNs')).toEqual([t1, t2, t3]);
    expect(of('endNs')).toEqual([e1, e2, e3]);
    expect(pass!.endNs).toBe(e3 + TAIL);
    expect(of('hits')).toEqual([0, 0, 1]);
    expect(of('late')).toEqual([0, 1, 0]);
    expect(of('misses')).toEqual([2, 1, 1]);
    expect(of('computeNs')).toEqual([GPU, GPU, GPU]);
    expect(of('stallNs')).toEqual([e1 - t1 - GPU, e2 - t2 - GPU, e3 - t3 - GPU]);
    expect(of('cpuNs')).toEqual([CPU, CPU, CPU]);
    expect(outcome).toMatchObject({ useful: 1, late: 1, wasted: 0, cancelled: 1, dropped: 0, cpuExperts: 3, distinct: 6 });
    // h2d: expert 1 on demand, 3 and 6 ahead of time. SSD: 0, 1, 5 and 7 on demand; 3, 4 and 6 ahead.
    expect(outcome.h2d).toEqual({ demands: 1, demandBytes: 100, prefetches: 2, prefetchBytes: 200, busyNs: 3 * H2D, restarts: 0 });
    expect(outcome.ssd).toEqual({ demands: 4, demandBytes: 400, prefetches: 3, prefetchBytes: 300, busyNs: 7 * SSD, restarts: 0 });
    expect(pass!.gpu).toEqual([1, 3, 6]);
    expect(pass!.dram).toEqual([0, 1, 3, 4, 5, 6, 7]);
  });

  it('is what the reference simulator says', async () => {
    expect(simulateByTheBook(scenario)).toEqual(await simulateByEngine(scenario));
  });
});

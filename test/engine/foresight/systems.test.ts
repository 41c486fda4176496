// Every bundled system against what perfect knowledge gives on its own machine and demand: nobody who does not know is faster.
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';
import type { RunInput } from '../../../src/system/run.js';

const systems = readdirSync(new URL('../../../profiles/systems', import.meta.url)).map((file) => file.replace('.yaml', ''));
/** These say themselves how much they cache. */
const FIXED = new Set(['all-resident', 'flexmoe', 'klotski', 'moe-gen', 'no-cache', 'od-moe', 'se-moe', 'tutel']);
/** These choose among candidates by gate weights, which the bundled recordings do not carry. */
const WEIGHTS = new Set(['cache-conditional', 'swapmoe']);
/** These load smaller copies of experts, let others stand in, or compute some a layer late, none of which foresight knows. */
const SMALLER = new Set(['buddymoe', 'daop', 'hobbit', 'ktransformers-deferral', 'slicemoe']);
/** These have buffers for prefetches and no cache, which foresight has no use for. */
const BUFFERS = new Set(['klotski', 'moe-gen', 'se-moe']);

const runs: Readonly<Record<string, RunInput>> = {
  'a fine-grained model on a t4': { model: 'mini-finegrained-64x12l', trace: 'mini-finegrained-64x12l', hardware: 't4' },
  'a coarse one on an rtx-3060': { model: 'mini-mixtral-8x8l', trace: 'mini-mixtral-8x8l', hardware: 'rtx-3060' },
};

describe.each(Object.entries(runs))('L19: on %s', (_, run) => {
  it.each(systems.filter((name) => !WEIGHTS.has(name)))('%s is not faster than foresight, which is not below the floor', async (system) => {
    const memory = FIXED.has(system) ? {} : { expertCache: '25%' };
    const { metrics } = await simulate({ ...run, system, memory, workload: { tokens: 200, batch: 2 } });
    const foresight = metrics['bound.foresight.tpot']?.value;
    if (SMALLER.has(system)) {
      expect(foresight).toBeUndefined();
      return;
    }
    if (!BUFFERS.has(system)) expect(metrics['latency.tpot.mean']!.value).toBeGreaterThanOrEqual(0.99 * foresight!);
    expect(foresight).toBeGreaterThanOrEqual(metrics['bound.floor.tpot']!.value * (1 - 1e-9));
  });
});

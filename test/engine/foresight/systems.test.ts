// Every bundled system on its own machine and demand: the floor, the best found and the run ascend.
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';
import type { RunInput } from '../../../src/system/run.js';
import { cases } from '../../cases.js';

const systems = readdirSync(new URL('../../../profiles/systems', import.meta.url)).map((file) => file.replace('.yaml', ''));
/** These say themselves how much they cache. */
const FIXED = new Set(['all-resident', 'flexmoe', 'klotski', 'moe-gen', 'no-cache', 'od-moe', 'se-moe', 'tutel']);
/** These choose among candidates by gate weights, which the bundled recordings do not carry. */
const WEIGHTS = new Set(['cache-conditional', 'swapmoe']);
/** These load smaller copies of experts, let others stand in, or compute some a layer late, of which nothing is proven. */
const UNPROVEN = new Set(['buddymoe', 'daop', 'hobbit', 'ktransformers-deferral', 'slicemoe']);

const runs: Readonly<Record<string, RunInput>> = {
  'a fine-grained model on a t4': { model: 'mini-finegrained-64x12l', trace: 'mini-finegrained-64x12l', hardware: 't4' },
  'a coarse one on an rtx-3060': { model: 'mini-mixtral-8x8l', trace: 'mini-mixtral-8x8l', hardware: 'rtx-3060' },
};

/** Systems take turns where not all are tried on either. */
const both = cases(2) === 2;

describe.each(Object.entries(runs).map(([name, run], turn) => ({ name, run, turn })))('L19: on $name', ({ run, turn }) => {
  it.each(systems.filter((name, at) => !WEIGHTS.has(name) && (both || at % 2 === turn)))(
    'the floor, the best found and %s ascend',
    async (system) => {
      const memory = FIXED.has(system) ? {} : { expertCache: '25%' };
      const { bounds, metrics } = await simulate({ ...run, system, memory, workload: { tokens: 200, batch: 2 } });
      const [floor, found, own] = ['bound.floor', 'bound.found', 'latency'].map(
        (name) => metrics[`${name}.tpot${name === 'latency' ? '.mean' : ''}`]?.value,
      );
      if (UNPROVEN.has(system)) {
        expect([floor, found]).toEqual([undefined, undefined]);
        expect(bounds.unproven).toMatch(/skipped, deferred, or served by/);
        return;
      }
      expect(bounds.unproven).toBeUndefined();
      expect(floor).toBeGreaterThan(0);
      expect(found).toBeGreaterThanOrEqual(floor! * (1 - 1e-9));
      expect(own).toBeGreaterThanOrEqual(found! * (1 - 1e-9));
    },
  );
});

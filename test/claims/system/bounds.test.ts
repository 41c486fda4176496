// L19 on drawn runs over every system: the floor, the best found and the run ascend, and no law fails. MOEPROF_CELLS=2000 tries as many.
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { Random } from '../../../src/base/random.js';
import { simulateRun } from '../../../src/engine/simulate.js';
import { checkRun, type RunSpec } from '../../../src/system/door.js';
import { cases } from '../../cases.js';

const SYSTEMS = readdirSync(new URL('../../../profiles/systems', import.meta.url)).map((file) => file.replace('.yaml', ''));
/** These say themselves how much they cache. */
const FIXED = new Set(['all-resident', 'flexmoe', 'klotski', 'moe-gen', 'no-cache', 'od-moe', 'se-moe', 'tutel']);
/** Links from PCIe 3 x4 to NVLink-C2C, CPUs from 40 to 600 GB/s; with drives, several cards and sockets. */
const MACHINES = [
  'rtx-3060+core-i5-12400+2xddr4-2666+64GB+pcie3x4',
  'rtx-4060+ryzen-7-7700x+2xddr5-5600+64GB+pcie3x8',
  'rtx-3090+epyc-7402+8xddr4-3200+128GB+pcie4x16',
  'rtx-5090+epyc-9355+12xddr5-6400+384GB+pcie5x16',
  ...['grace-link', 't4', 'rtx-4090', 'h100-80g', 'a100-40g-2s', 'rtx-3060+16GB', '2xrtx-3090+64GB', 'rtx-4090-raid0'],
];
const MODELS = ['mini-finegrained-64x12l', 'mini-mixtral-8x8l', 'mixtral-8x7b', 'qwen3-30b-a3b', 'olmoe-1b-7b', 'gpt-oss-20b'];
const POLICIES = [undefined, undefined, undefined, 'lru', 'lfu', 'belady', 'plec', 'arc', 's3-fifo'];
const CELLS = Number(process.env.MOEPROF_CELLS ?? cases(80, 24));

/** @throws UserError if the parts do not fit together */
function drawn(random: Random): RunSpec {
  const pick = <T>(all: readonly T[]): T => all[random.below(all.length)]!;
  const model = pick(MODELS);
  const system = pick(SYSTEMS);
  const policy = pick(POLICIES);
  const scope = pick([undefined, undefined, 'global', 'layer'] as const);
  const runtime = pick([undefined, undefined, 'ideal', 'llama.cpp', 'hf-eager']);
  const changes = { policy, scope };
  const overrides = Object.entries(changes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ path: ['system', 'cache', key], value, label: 'test' }],
  );
  const hardware = pick(MACHINES);
  // NVLink-C2C: what a GH200 has between a Grace CPU and its GPU.
  const c2c = hardware === 'grace-link' ? [{ path: ['hardware', 'links', '0', 'bandwidth'], value: '450GB/s', label: 'test' }] : [];
  const run = {
    model,
    trace: model.startsWith('mini') ? model : 'synthetic',
    hardware: hardware === 'grace-link' ? 'h100-80g+grace+480GB+pcie5x16' : hardware,
    system,
    ...(runtime === undefined ? {} : { runtime }),
    ...(random.below(5) === 0 ? { replay: 'sequential' } : {}),
    ...(random.below(8) === 0
      ? { memory: { kvGrowth: 'grow' } }
      : FIXED.has(system)
        ? {}
        : { memory: { expertCache: pick(['5%', '10%', '25%', '50%', '75%', '100%']) } }),
    workload: { tokens: Math.max(1, Math.round(600 ** random.next())), batch: pick([1, 4, 16]) },
    ...(random.below(8) === 0
      ? { faults: [{ at: '1ms', until: '1s', link: 'h2d', bandwidth: '40%' }, ...(random.below(2) === 0 ? [{ at: 0, cpu: '50%' }] : [])] }
      : {}),
    seed: random.below(5),
    audit: 'off',
  };
  return checkRun(run, 'test', [...overrides, ...c2c]);
}

it(`L19, L30: ${CELLS} drawn runs`, { timeout: 0 }, async () => {
  const random = new Random(Number(process.env.MOEPROF_SEED ?? 1), 'bounds');
  const seen = { run: 0, refused: 0, unproven: 0, below: [] as string[], reasons: new Map<string, number>() };
  const shares: number[] = [];
  for (let cell = 0; cell < CELLS; cell++) {
    let run: unknown = null;
    try {
      const spec = drawn(random);
      run = { ...spec, system: spec.system.name, cache: spec.system.cache, label: undefined, places: undefined };
      const { bounds, metrics } = await simulateRun(spec);
      seen.run++;
      if (bounds.unproven !== undefined) {
        seen.unproven++;
        continue;
      }
      const of = (name: string): number => metrics[name]?.value ?? Number.NaN;
      const ascend = (...names: string[]): void => {
        for (let i = 1; i < names.length; i++)
          if (of(names[i - 1]!) > of(names[i]!) * (1 + 1e-9))
            seen.below.push(`${names[i]} ${of(names[i]!)} < ${of(names[i - 1]!)}: ${JSON.stringify(run)}`);
      };
      ascend('bound.floor.tpot', 'bound.found.tpot', 'latency.tpot.mean');
      ascend('bound.floor.total', 'bound.found.total', 'time.total');
      if (of('bound.found.total') > 0) shares.push(of('bound.floor.total') / of('bound.found.total'));
    } catch (error) {
      // A part of the run does not fit the rest.
      if (!(error instanceof UserError)) throw new Error(`${JSON.stringify(run)}: ${(error as Error).message}`);
      seen.refused++;
      const reason = error.message.replace(/\d+/g, '#').slice(0, 90);
      seen.reasons.set(reason, (seen.reasons.get(reason) ?? 0) + 1);
    }
  }
  shares.sort((a, b) => a - b);
  if (process.env.MOEPROF_CELLS !== undefined)
    console.log(
      seen,
      'floor / best found',
      [0.1, 0.25, 0.5, 0.75].map((q) => shares[Math.floor(q * shares.length)]),
    );
  expect(seen.below).toEqual([]);
  expect(seen.run).toBeGreaterThan(0.6 * CELLS);
});

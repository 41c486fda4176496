// Laws on whole runs that mix what a run can have: systems, policies, schedulers, arrivals, faults, KV caches that grow, experts that
// differ in size, a third tier, several GPUs. Whatever is drawn, what goes in comes out, and nothing is in two places at once.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import type { Override } from '../../src/base/yaml.js';
import type { Simulation } from '../../src/engine/compose/simulation.js';
import { simulateRun } from '../../src/engine/simulate.js';
import type { Link } from '../../src/engine/transfer/link.js';
import type { Observer } from '../../src/engine/transfer/observer.js';
import type { Result } from '../../src/result/result.js';
import { checkRun } from '../../src/system/load-run.js';
import type { RunInput, RunSpec } from '../../src/system/run.js';
import { cases } from '../cases.js';
import { temporaryFolder } from '../support/folder.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 240_000 });

const MIB = 2 ** 20;
const GPU_BYTES = 56 * MIB;
/** Tokens of a request. */
const PROMPT = 20;
const OUTPUT = 15;
const folder = temporaryFolder();

/** Modules whose experts take 64 KiB, 1 MiB and 256 KiB. */
const unequal = join(folder, 'unequal.yaml');
writeFileSync(
  unequal,
  `name: unequal
layers: 3
hidden: 256
vocab: 8192
attention: { kind: gqa, heads: 4, kvHeads: 4, headDim: 64 }
moe:
  experts: 12
  topK: 2
  intermediate: 512
  modules:
    - { name: small, parameters: 32768 }
    - { name: large, parameters: 524288 }
    - { name: middle, parameters: 131072 }
quantization: bf16
`,
);

const ms = (most: number) => fc.integer({ min: 0, max: most }).map((value) => value * 1e6);
const perhaps = <T>(...values: T[]) => fc.constantFrom(undefined, ...values);
const fault = fc.oneof(
  fc.record({ link: fc.constantFrom('h2d' as const, 'ssd' as const), bandwidth: fc.constantFrom('10%', '50%') }),
  fc.record({ link: fc.constantFrom('h2d' as const, 'ssd' as const), lanes: fc.constant(-1) }),
  fc.record({ link: fc.constant('h2d' as const), lanes: fc.constant(-1) }),
  fc.record({ cpu: fc.constantFrom('10%', '50%') }),
  fc.record({ gpuMemory: fc.constantFrom('-1MiB', '-4MiB') }),
);
const systems = [
  'on-demand-lru',
  'mixtral-offloading',
  'expertflow',
  'hobbit',
  'moe-infinity',
  'fiddler',
  'specmd',
  'hybrimoe',
  'daop',
  'finemoe',
];
const background = { do: 'cpu', admit: 'background', after: 2 };
const lossy = [{ do: 'skip', admit: 'background', when: { gate: '>0.2' } }, { do: 'low-precision', when: { gate: '>0.4' } }, 'load'];
const copied = [{ do: 'low-precision', when: { gate: '>0.2' } }, 'load'];
const byTokens = [
  { do: 'load', admit: 'always', when: { tokens: '>=2' } },
  { do: 'cheaper', admit: 'background' },
];
const draws = fc.record({
  model: fc.constantFrom('mini-mixtral-8x8l', 'mini-finegrained-64x12l', unequal),
  system: fc.constantFrom(...systems, 'pre-gated-moe', 'cache-conditional', 'llama.cpp-static', 'edgemoe'),
  policy: perhaps('lru', 'belady', 'plec', 'lirs', 'gdsf', 'static:by=layer'),
  scheduler: perhaps('static', 'shortest-first', 'prefill-first', 'expertflow', 'read-me', 'cache-affinity'),
  onMiss: perhaps<unknown>(
    'load',
    'cheaper',
    background,
    lossy,
    copied,
    [{ do: 'static', when: { phase: 'prefill', pass: '>=8' } }, background],
    byTokens,
  ),
  scope: perhaps('global', 'layer'),
  copies: perhaps<unknown>({ share: 0.3 }, { share: 0.6, policy: 'lfu', scope: 'layer' }),
  horizon: fc.constantFrom<(string | number | undefined)[]>(undefined, 'all', 'auto', 2),
  lambda: perhaps(undefined, 0.5),
  cache: fc.constantFrom('3%', '10%', '25%', '60%', '2/layer'),
  exclusive: fc.boolean(),
  dram: fc.boolean(),
  chunk: fc.constantFrom(undefined, 100_000),
  staging: perhaps(undefined, '3', '1 layer'),
  cancel: perhaps(undefined, 'off'),
  budget: perhaps(undefined, 'pays'),
  yields: perhaps(undefined, 50_000),
  lanes: fc.constantFrom(1, 4, 4),
  gpus: fc.constantFrom(1, 1, 2, 3),
  // A request takes at most 576 KiB.
  kv: perhaps('640KiB'),
  growth: perhaps('reserve' as const, 'grow' as const),
  arrivals: perhaps(undefined, 'poisson:rate=20', 'poisson:rate=200'),
  batch: fc.integer({ min: 1, max: 4 }),
  maxTokensPerPass: fc.constantFrom(16, 64, 512),
  sequential: fc.boolean(),
  faults: fc.array(fc.tuple(ms(400), ms(300), fault), { maxLength: 3 }),
  seed: fc.integer({ min: 1, max: 50 }),
});
type Draw = typeof draws extends fc.Arbitrary<infer T> ? T : never;

function specOf(draw: Draw): RunSpec {
  const { arrivals, batch, chunk, dram, gpus, growth, lanes, maxTokensPerPass } = draw;
  const requests = batch + 2;
  const amount = arrivals === undefined ? { tokens: (PROMPT + OUTPUT) * requests } : { arrivals, requests };
  // At most three lanes are lost.
  const possible = draw.faults.filter(([, , one]) => (dram || !('link' in one && one.link === 'ssd')) && (lanes > 3 || !('lanes' in one)));
  const input: RunInput = {
    model: draw.model,
    hardware: 't4',
    trace: 'synthetic',
    system: draw.system,
    seed: draw.seed,
    replay: draw.sequential && gpus === 1 ? 'sequential' : 'atomic',
    // No run is below its floor (L19).
    memory: {
      expertCache: draw.cache,
      kvGrowth: growth,
      kv: growth === undefined ? undefined : draw.kv,
      dramCache: dram ? '50%' : undefined,
    },
    workload: { batch, prompt: PROMPT, output: OUTPUT, maxTokensPerPass, ...amount },
    faults: possible.length === 0 ? undefined : possible.map(([at, ns, one]) => ({ at, until: at + 1 + ns, ...one })),
  };
  const settings: Readonly<Record<string, unknown>> = {
    'hardware.links': [
      { name: 'h2d', bandwidth: 2e9, latency: 10_000, lanes, ...(chunk === undefined ? {} : { chunk }) },
      { name: 'ssd', bandwidth: 1e9, latency: 50_000, lanes },
    ],
    'hardware.tiers': [
      { name: 'gpu', size: GPU_BYTES },
      { name: 'dram', size: 200 * MIB },
      { name: 'ssd', size: 1e12 },
    ],
    'hardware.gpus': gpus > 1 ? { count: gpus, interconnect: { bandwidth: 20e9, latency: 5000 } } : undefined,
    'system.overlap': gpus > 1 ? 'adaptive' : undefined,
    'system.placement': gpus > 1 ? 'replicated:hottest=2' : undefined,
    'system.cache.exclusive': draw.exclusive,
    'system.prefetch.staging': draw.staging,
    'system.prefetch.cancel': draw.cancel,
    'system.prefetch.budget': draw.budget,
    'system.prefetch.chunk': draw.yields,
    'system.cache.policy': draw.policy,
    'system.cache.scope': draw.scope,
    'system.scheduler': draw.scheduler,
    'system.onMiss': draw.onMiss,
    'system.cache.copies': draw.onMiss === copied ? draw.copies : undefined,
    'system.predictor.horizon': draw.horizon,
    'system.rerank.lambda': draw.lambda,
  };
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  const overrides = given.map(([path, value]): Override => ({ path: path.split('.'), value, label: path }));
  return checkRun(input, 'mixed', overrides);
}

/** What happened at one place at one time. */
interface Seen {
  executed: number;
  onCpu: number;
  computeNs: number;
  stallNs: number;
  /** What must not be. */
  readonly wrong: string[];
}

function watch({ copies, gpus }: Simulation, { faults }: Draw, seen: Seen): Observer {
  const busyNs = gpus.map(() => 0);
  const laneNs = new Map<Link, number[]>();
  // A run, or its system, may let demands go between the chunks of a prefetch.
  const whole = gpus.every(({ dram, gpu }) => [gpu, ...(dram === null ? [] : [dram])].every(({ link }) => link.chunkBytes === 0));
  const uninterrupted = whole && faults.every(([, , one]) => !('lanes' in one));
  /** A GPU does one thing after another; rounding may lose less than a thousandth of a nanosecond. */
  const occupy = (gpu: number, startNs: number, endNs: number): void => {
    if (startNs < busyNs[gpu]! - 1e-3 || endNs < startNs)
      seen.wrong.push(`GPU ${gpu} is busy until ${busyNs[gpu]}, and begins at ${startNs}`);
    busyNs[gpu] = endNs;
  };
  const nothing = (): void => undefined;
  return {
    passStarted: nothing,
    passEnded: nothing,
    dense: nothing,
    planned: nothing,
    prefetchUsed: nothing,
    evicted: nothing,
    judged() {
      for (const [g, { dram, gpu }] of gpus.entries()) {
        for (const tier of dram === null ? [gpu] : [gpu, dram]) {
          const pools = [...tier.caches, ...(tier === gpu ? (copies[g]?.caches ?? []) : [])];
          const used = pools.reduce((sum, cache) => sum + cache.usedBytes, 0);
          if (used !== tier.usedBytes || pools.some((cache) => cache.usedBytes > cache.capacityBytes)) seen.wrong.push('over capacity');
        }
      }
    },
    executed(_id, _layer, startNs, endNs, gpu = 0) {
      seen.executed++;
      seen.computeNs += endNs - startNs;
      occupy(gpu, startNs, endNs);
    },
    stalled(_id, _layer, startNs, endNs, gpu = 0) {
      seen.stallNs += endNs - startNs;
      occupy(gpu, startNs, endNs);
    },
    computedOnCpu() {
      seen.onCpu++;
    },
    transferred(link, lane, _id, _bytes, startNs, endNs) {
      const ends = laneNs.get(link) ?? [];
      laneNs.set(link, ends);
      if (uninterrupted && startNs < (ends[lane] ?? 0) - 1e-3)
        seen.wrong.push(`${link.name} ${lane}: busy until ${ends[lane]}, and begins at ${startNs}`);
      ends[lane] = endNs;
    },
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function check({ bounds, metrics, perLayer, warnings }: Result, seen: Seen, draw: Draw): void {
  const of = (name: string): number => metrics[name]?.value ?? 0;
  const near = (actual: number, expected: number, what: string) =>
    expect(Math.abs(actual - expected), what).toBeLessThanOrEqual(1e-9 * of('time.total') + 1e-3);
  expect(seen.wrong).toEqual([]);
  // Every request is served, every member of an event is a hit, late or a miss, and runs somewhere.
  if (draw.arrivals === undefined) expect(of('workload.tokens')).toBe((PROMPT + OUTPUT) * (draw.batch + 2));
  else expect(of('workload.requests')).toBe(draw.batch + 2);
  perLayer.demanded.forEach((demanded, layer) => {
    expect(perLayer.hits[layer]! + perLayer.late[layer]! + perLayer.misses[layer]!).toBe(demanded);
  });
  expect(sum(perLayer.demanded)).toBe(of('experts.demanded'));
  if (draw.gpus === 1 && of('quality.skipped_rate') === 0) {
    expect(seen.executed + seen.onCpu).toBe(of('experts.demanded'));
    expect(of('transfer.on_demand.count') + seen.onCpu + of('cache.copy_hits')).toBe(of('cache.misses'));
  }
  // Every transfer is on demand or ahead of it, and every one ahead has a fate.
  expect(of('transfer.on_demand.count') + of('transfer.prefetch.count')).toBe(of('transfer.h2d.count'));
  const bytes = sum(perLayer.onDemandBytes) + sum(perLayer.prefetchBytes);
  expect(Math.abs(bytes - of('transfer.h2d.bytes'))).toBeLessThanOrEqual(1e-9 * bytes);
  expect(of('prefetch.useful') + of('prefetch.late') + of('prefetch.wasted') + of('prefetch.pending')).toBe(of('transfer.prefetch.count'));
  expect(of('prefetch.pending')).toBeGreaterThanOrEqual(0);
  expect(of('prefetch.late')).toBe(of('cache.late'));
  expect(of('cache.hit_rate_counting_late')).toBe((of('cache.hits') + of('cache.late')) / of('experts.demanded'));
  for (const link of ['h2d', 'ssd']) expect(of(`transfer.${link}.utilization`)).toBeLessThanOrEqual(1 + 1e-12);
  // Memory and time have no more than there is, and bounds bound.
  if (warnings.every(({ code }) => code !== 'does-not-fit')) expect(of('memory.gpu.peak')).toBeLessThanOrEqual(GPU_BYTES);
  const parts = ['time.dense', 'time.compute', 'time.stall', 'time.all_to_all', 'schedule.time'].map(of);
  expect(sum(parts)).toBeLessThanOrEqual(of('time.total') * (1 + 1e-9));
  if (draw.gpus === 1) near(seen.computeNs, of('time.compute'), 'compute');
  if (draw.gpus === 1) near(seen.stallNs, of('time.stall'), 'stall');
  if (of('transfer.prefetch.count') === 0) expect(of('cache.hit_rate')).toBeLessThanOrEqual(bounds.beladyHitRate! + 1e-12);
  if (seen.onCpu === 0 && of('quality.skipped_rate') === 0) {
    expect(of('latency.tpot.mean') * (1 + 1e-9)).toBeGreaterThanOrEqual(bounds.allResidentTpotNs ?? 0);
  }
}

describe('L1-L16, L19 on runs that mix everything', () => {
  it('hold', async () => {
    const times = { ran: 0, late: 0, onCpu: 0, preemptions: 0, restarts: 0, reranked: 0, sequential: 0, gpus: 0, ssd: 0, copied: 0 };
    const property = fc.asyncProperty(draws, async (draw) => {
      const seen: Seen = { executed: 0, onCpu: 0, computeNs: 0, stallNs: 0, wrong: [] };
      let result: Result;
      try {
        result = await simulateRun(specOf(draw), { observe: (_, simulation) => watch(simulation, draw, seen) });
      } catch (error) {
        // Some combinations are refused; no other error may be.
        if (error instanceof UserError) return;
        throw error;
      }
      check(result, seen, draw);
      // Who watches changes nothing (L16).
      if (times.ran++ % 4 === 0) expect((await simulateRun(specOf(draw))).metrics).toEqual(result.metrics);
      const of = (name: string): number => result.metrics[name]?.value ?? 0;
      times.late += of('cache.late');
      times.onCpu += seen.onCpu;
      times.preemptions += of('schedule.preemptions');
      times.restarts += of('fault.restarts');
      times.reranked += of('rerank.changed');
      times.sequential += Number(result.config.replay === 'sequential');
      times.gpus += Number(draw.gpus > 1);
      times.ssd += of('transfer.ssd.count');
      times.copied += of('cache.copy_hits');
    });
    await fc.assert(property, { seed: 16, numRuns: cases(100) });
    expect(times.ran).toBeGreaterThan(cases(50));
    // A few cases need not have what is rare.
    const rare = cases(100) < 100 ? ['restarts', 'preemptions', 'copied'] : [];
    for (const [what, count] of Object.entries(times)) if (!rare.includes(what)) expect(count, what).toBeGreaterThan(0);
  });

  it('L4 what is on its way to DRAM is not evicted there, even where the expert is skipped that it was for', async () => {
    // A slow SSD below a DRAM of few experts, which evicts what came last; what matters little is skipped, and nobody waits for it.
    const settings = {
      'hardware.links.1': { name: 'ssd', bandwidth: 0.5e9, latency: 50_000, lanes: 4 },
      'system.dram.policy': 'mru',
      'system.onMiss': [{ do: 'skip', when: { gate: '>0.3' } }, { do: 'low-precision', when: { gate: '>0.2' } }, 'load'],
      'system.prefetch.minProbability': 0.05,
    };
    const overrides = Object.entries(settings).map(([path, value]): Override => ({ path: path.split('.'), value, label: path }));
    const input: RunInput = { model: 'mini-finegrained-64x12l', hardware: 't4', trace: 'synthetic', system: 'hobbit' };
    const workload = { batch: 2, prompt: PROMPT, output: OUTPUT, tokens: 6 * (PROMPT + OUTPUT) };
    const run = checkRun({ ...input, workload, memory: { expertCache: '20%', dramCache: '2%' } }, 'skipping', overrides);
    let underWay = 0;
    const lost: number[] = [];
    const result = await simulateRun(run, {
      observe: ({ model }, { gpus }) => {
        const dram = gpus[0]!.dram!;
        const judged = (_layer: number, _hits: number, _late: number, _misses: number, nowNs: number): void => {
          for (const { experts, index, offset } of model.layers) {
            for (let id = offset; id < offset + experts; id++) {
              if (dram.arrivalNs[id]! <= nowNs) continue;
              underWay++;
              if (!dram.holds(id, index)) lost.push(id);
            }
          }
        };
        return new Proxy({} as Observer, { get: (_, name) => (name === 'judged' ? judged : () => undefined) });
      },
    });
    expect(result.metrics['quality.skipped_rate']!.value).toBeGreaterThan(0);
    expect(underWay).toBeGreaterThan(0);
    expect(lost).toEqual([]);
  });
});

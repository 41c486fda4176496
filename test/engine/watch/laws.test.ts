import { describe, expect, it, test, vi } from 'vitest';
import { InternalError } from '../../../src/base/errors.js';
import { BeladyBound } from '../../../src/cache/bounds/belady-bound.js';
import type { Simulation } from '../../../src/engine/compose/simulation.js';
import { Floor } from '../../../src/engine/foresight/floor.js';
import { simulate } from '../../../src/engine/simulate.js';
import { Samples } from '../../../src/engine/watch/latency.js';
import { brokenLaws } from '../../../src/engine/watch/laws.js';
import { parseResult } from '../../../src/result/read.js';

/** A finished run of one layer, one pass of 30 ns: three demanded, two hits, one load; a second transfer was a prefetch that is pending. */
function finished() {
  const phase = { events: 1, demanded: 3, hits: 2, late: 0, misses: 1, activations: 3, hitActivations: 2, evictions: 1, streamed: 0 };
  const none = { ...phase, events: 0, demanded: 0, hits: 0, misses: 0, activations: 0, hitActivations: 0, evictions: 0 };
  const one = (value: number) => Float64Array.of(value);
  const layers = {
    ...{ events: one(1), demanded: one(3), hits: one(2), late: one(0), misses: one(1), evictions: one(1), streamed: one(0) },
    ...{ denseNs: one(5), computeNs: one(15), stallNs: one(8), cpuNs: one(0) },
  };
  const recorder = {
    ...{
      layers,
      phases: [none, phase],
      tailNs: 2,
      cpuExperts: 0,
      sharedExperts: 0,
      takenOver: 0,
      skippedExperts: 0,
      substitutedExperts: 0,
    },
    ...{ prefetchUseful: 0, prefetchLate: 0, prefetchWasted: 0 },
  };
  const transfers = { demands: 1, demandBytes: 10, prefetches: 1, prefetchBytes: 10, busyBy: () => 20 };
  const running = { prefetching: Int32Array.of(2), prefetchEndNs: Float64Array.of(35), placed: { all: [] } };
  const link = { name: 'h2d', lanes: 1, bandwidth: 0.5e9, ...transfers, ...running };
  const cost = { cpuQueues: 1, passNs: 2 };
  const gpu = { link, unused: Uint8Array.of(0, 0, 1), caches: [{ capacityBytes: 20, usedBytes: 20 }] };
  const copies = { hits: 0, caches: [{ capacityBytes: 5, usedBytes: 5 }] };
  const latencies = { pass: samples(30), tpot: samples(30), tpotFloor: samples(22) };
  const simulation = {
    ...{
      engine: { nowNs: 30 },
      bounds: { allResidentNs: 22, floor: { sinceNs: () => 22 } },
      parallel: null,
      predictor: null,
      recorder,
    },
    copies: [copies],
    gpus: [{ gpu, cost, dram: null, sizes: Float64Array.of(10, 10, 10), boundHits: () => 2 }],
  };
  return { simulation, latencies, gpu, copies, cost, link, layers, recorder, phase };
}

function samples(value: number): Samples {
  const all = new Samples();
  all.add(value);
  return all;
}

type Finished = ReturnType<typeof finished>;

function check(change: (run: Finished) => void): () => void {
  const run = finished();
  change(run);
  const { simulation, latencies } = run;
  return () => void brokenLaws({ run: { bounds: true } } as never, simulation as unknown as Simulation, { latencies } as never);
}

/** The laws that a changed run breaks, where they do not throw. */
function brokenFor(change: (run: Finished) => void) {
  const run = finished();
  change(run);
  const { simulation, latencies } = run;
  vi.stubEnv('MOEPROF_LAWS', '');
  const broken = brokenLaws({ run: { bounds: true } } as never, simulation as unknown as Simulation, { latencies } as never);
  vi.unstubAllEnvs();
  return broken;
}

test('a run that keeps the laws passes', () => {
  expect(check(() => {})).not.toThrow();
});

test.each<[string, string, (run: Finished) => void]>([
  ['L2', 'a member that was not judged', ({ layers }) => layers.demanded.fill(4)],
  ['L2', 'a phase that counts another number of evictions', ({ phase }) => void (phase.evictions = 2)],
  ['L8', 'a miss that was not loaded', ({ link }) => void (link.demands = 0)],
  ['L8', 'a prefetch that vanished', ({ gpu }) => gpu.unused.fill(0)],
  ['L8', 'a cache that holds more than it can', ({ gpu }) => void (gpu.caches[0]!.usedBytes = 21)],
  ['L8', 'copies that take more than their part', ({ copies }) => void (copies.caches[0]!.usedBytes = 6)],
  ['L8', 'a copy that serves a miss that was loaded, too', ({ copies }) => void (copies.hits = 1)],
  ['L9', 'time that nothing took', ({ layers }) => layers.stallNs.fill(7)],
  ['L10', 'a link that is busier than it has lanes', ({ link }) => void (link.busyBy = () => 31)],
  ['L15', 'a run faster than with every expert resident', ({ simulation }) => void (simulation.bounds.allResidentNs = 31)],
  ['L19', 'a run faster than its floor', ({ simulation }) => void (simulation.bounds.floor.sinceNs = () => 31)],
  ['L19', 'a request faster than its floor', ({ latencies }) => void (latencies.tpot = samples(21))],
  ['L20', 'a link that delivers more than its paths', ({ link }) => void (link.demandBytes = 16)],
  ['L20', 'a prefetch that has arrived, and that the link had no time for', ({ link }) => void (link.prefetchEndNs[0] = 30)],
  ['L20', 'a CPU that works in more queues than it has', ({ layers }) => layers.cpuNs.fill(31)],
  ['L22', 'a pass that costs less than the runtime takes for one', ({ cost }) => void (cost.passNs = 3)],
  ['L15', 'more hits than Belady', ({ simulation }) => void (simulation.gpus[0]!.boundHits = () => 1)],
])('%s: %s is an internal error in tests, and withholds figures elsewhere', (law, _what, change) => {
  expect(check(change)).toThrow(InternalError);
  expect(check(change)).toThrow(`${law}: `);
  const broken = brokenFor(change);
  expect(broken[0]!.law).toBe(law);
  expect(broken[0]!.what).toMatch(/\d/);
});

describe('L30: a run that breaks a law', () => {
  const run = {
    ...{ model: 'mini-mixtral-8x8l', trace: 'mini-mixtral-8x8l', hardware: 't4' },
    ...{ memory: { expertCache: '25%' }, workload: { tokens: 12 } },
  };

  it('ends with a result, one warning a law, and no figure that rests on it', async () => {
    const sound = await simulate(run);
    const since = vi.spyOn(Floor.prototype, 'sinceNs').mockReturnValue(1e15);
    vi.stubEnv('MOEPROF_LAWS', '');
    const { bounds, metrics, warnings } = await simulate(run);
    vi.unstubAllEnvs();
    await expect(simulate(run)).rejects.toThrow(/^L19: \d+/);
    since.mockRestore();
    const [warning, ...others] = warnings.filter(({ code }) => code === 'law-failed');
    expect(others).toEqual([]);
    expect(warning!.message).toMatch(/^Law L19 fails: \d.* are less than the floor of 1000000000000000\. .*: the floor\. .* please report/);
    const withheld = Object.keys(sound.metrics).filter((name) => metrics[name] === undefined);
    expect(withheld).toEqual(Object.keys(sound.metrics).filter((name) => name.startsWith('bound.floor.')));
    expect(withheld).not.toEqual([]);
    expect(bounds.floorTpotNs).toBeUndefined();
    expect(metrics['bound.found.tpot']).toEqual(sound.metrics['bound.found.tpot']);
    expect(parseResult(JSON.stringify({ ...sound, metrics, bounds, warnings, digest: undefined }), 'broken.json').warnings).toEqual(
      warnings,
    );
  });

  it('keeps back the hits of Belady if the run has more', async () => {
    const hits = vi.spyOn(BeladyBound.prototype, 'hits', 'get').mockReturnValue(-1);
    vi.stubEnv('MOEPROF_LAWS', '');
    const result = await simulate({ ...run, system: 'on-demand-lru' });
    vi.unstubAllEnvs();
    hits.mockRestore();
    expect(result.warnings.some(({ code, message }) => code === 'law-failed' && message.startsWith('Law L15 fails: '))).toBe(true);
    expect(result.bounds.beladyHitRate).toBeNull();
  });
});

// Faults: what is left is what a lesser machine has, what was before is as it was, and every request is served all the same.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import type { Override } from '../../../src/base/yaml.js';
import { Faults } from '../../../src/engine/mechanisms/faults.js';
import { simulateRun } from '../../../src/engine/simulate.js';
import { Link } from '../../../src/engine/transfer/link.js';
import type { Observer } from '../../../src/engine/transfer/observer.js';
import type { CostModel } from '../../../src/hardware/cost.js';
import type { HardwareProfile } from '../../../src/hardware/profile.js';
import { loadHardware } from '../../../src/runtime/machine.js';
import { describeFault, type Fault, splitFault } from '../../../src/system/faults.js';
import { checkRun } from '../../../src/system/load-run.js';
import type { RunInput } from '../../../src/system/run.js';
import { cases } from '../../cases.js';
import { calibrated } from '../../support/calibrated.js';
import { wholeLink } from '../scenario.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 120_000 });

const MIB = 2 ** 20;

type Settings = Readonly<Record<string, unknown>>;

function run(input: RunInput, settings: Settings = {}) {
  const overrides = Object.entries(settings).map(([path, value]): Override => ({ path: path.split('.'), value, label: path }));
  const profile: RunInput = { model: 'mini-mixtral-8x8l', hardware: 't4', system: 'on-demand-lru', workload: { batch: 2, tokens: 512 } };
  return checkRun({ memory: { expertCache: '50%' }, ...profile, ...input }, 'test', overrides);
}

async function simulate(input: RunInput, settings: Settings = {}) {
  const result = await simulateRun(run(input, settings));
  return { ...result, of: (name: string): number => result.metrics[name]!.value };
}

/** All figures but those of the faults themselves, and of clocks beside the run: their machine is sound (L19). */
const plain = (metrics: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(metrics).filter(
      ([name]) => !/^(fault|bound\.(no_cache|lru|belady\.tpot|found|floor)|headroom|memory\.gpu\.(allocated|expert_cache))/.test(name),
    ),
  );

const refuse = (path: string, message: string) => new UserError(`run: ${path}: ${message}`);
const cost = { handoverNs: 5, throttleCpu: () => undefined } as unknown as CostModel;
const fault = (one: Partial<Fault> & { at: number }): Fault => one as Fault;

describe('faults strike links and CPU', () => {
  it('from their time to their end, the shares of several multiplied', () => {
    const link = new Link(wholeLink('h2d', 1, 5), new Float64Array(4));
    const faults = new Faults(
      [fault({ at: 100, link: 'h2d', bandwidth: 0.5 }), fault({ at: 200, until: 300, link: 'h2d', bandwidth: 0.25 })],
      [[link]],
      [cost],
      refuse,
    );
    const at = (ns: number): number => {
      faults.routed(ns);
      return link.transferNs(10);
    };
    expect(faults.nextNs).toBe(100);
    expect([at(99), at(100), at(250), at(300)]).toEqual([15, 25, 85, 25]);
    expect(faults.nextNs).toBe(Number.POSITIVE_INFINITY);
  });

  it('lanes are lost and come back', () => {
    const link = new Link(wholeLink('h2d', 2, 0, 3), new Float64Array(4));
    const faults = new Faults([fault({ at: 10, until: 50, link: 'h2d', lanes: -2 })], [[link]], [cost], refuse);
    faults.routed(10);
    expect([0, 1, 2].map((id) => link.demand(id, 10, 10))).toEqual([30, 50, 70]); // one after another
    faults.routed(50);
    expect([0, 1].map((id) => link.demand(id, 10, 50))).toEqual([70, 70]); // on the two that are back
  });

  it('of one GPU or of each, where there are several', () => {
    const links = [0, 1].map(() => new Link(wholeLink('h2d', 2, 0, 2), new Float64Array(4)));
    const faults = new Faults(
      [fault({ at: 10, link: 'h2d', bandwidth: 0.5, gpu: 1 }), fault({ at: 20, link: 'h2d', bandwidth: 0.5 })],
      [[links[0]!], [links[1]!]],
      [cost],
      refuse,
    );
    const at = (ns: number): number[] => {
      faults.routed(ns);
      return links.map((link) => link.transferNs(10));
    };
    const whole = links[0]!.transferNs(10);
    expect([at(0), at(10), at(20)]).toEqual([
      [whole, whole],
      [whole, 2 * whole],
      [2 * whole, 4 * whole],
    ]);
    const lost = (gpu: number) =>
      new Faults(
        [1, 2].map((ns) => fault({ at: ns, link: 'h2d', lanes: -1, gpu })),
        [[links[0]!], []],
        [cost],
        refuse,
      );
    expect(() => lost(0)).toThrow('h2d has 2 lanes and would lose the last');
    expect(() => lost(1)).not.toThrow();
    expect(() => lost(2)).toThrow('run: faults.0.gpu: there is no GPU 2; the machine has 2 GPUs, numbers 0 to 1');
  });
});

describe('faults that cannot be', () => {
  it('refuses a fault that takes everything, or hits what the run does not use', () => {
    const link = new Link(wholeLink('h2d', 1, 0, 2), new Float64Array(1));
    const of = (...faults: Fault[]) => new Faults(faults, [[link]], [cost], refuse);
    const lost = fault({ at: 1, link: 'h2d', lanes: -1 });
    expect(() => of(lost)).not.toThrow();
    expect(() => of(lost, { ...lost, at: 7 })).toThrow('run: faults: h2d has 2 lanes and would lose the last; leave it one');
    expect(() => of({ ...lost, until: 7 }, { ...lost, at: 7 })).not.toThrow();
    expect(() => of(fault({ at: 1, link: 'ssd', bandwidth: 0.5 }))).toThrow(
      'run: faults.0.link: no expert crosses ssd in this run; it uses h2d',
    );
    const alone = { ...cost, handoverNs: Number.POSITIVE_INFINITY } as CostModel;
    expect(() => new Faults([fault({ at: 1, cpu: 0.5 })], [[link]], [alone], refuse)).toThrow('run: faults.0.cpu: the machine has no CPU');
  });
});

describe('a fault from the start is a lesser machine', () => {
  it('half the bandwidth', async () => {
    const faulty = await simulate({ faults: [{ at: 0, link: 'h2d', bandwidth: '50%' }] });
    const t4 = await simulate({});
    expect(t4.of('time.stall')).toBeLessThan(faulty.of('time.stall'));
    const lesser = await simulate({}, { 'hardware.links.0.bandwidth': bandwidthOf('t4') / 2 });
    expect(plain(faulty.metrics)).toEqual(plain(lesser.metrics));
  });

  it('half the bandwidth, on several GPUs', async () => {
    const machine = { hardware: '2x-rtx-4090' };
    const faulty = await simulate({ ...machine, faults: [{ at: 0, link: 'h2d', bandwidth: '50%' }] });
    const lesser = await simulate(machine, { 'hardware.links.0.bandwidth': bandwidthOf('2x-rtx-4090') / 2 });
    const sound = await simulate(machine);
    expect(faulty.of('time.stall')).toBeGreaterThan(sound.of('time.stall'));
    expect(plain(faulty.metrics)).toEqual(plain(lesser.metrics));
    const [first, second] = [0, 1].map((gpu) => ({ at: 0, link: 'h2d' as const, bandwidth: '50%', gpu }));
    expect(plain((await simulate({ ...machine, faults: [first!, second!] })).metrics)).toEqual(plain(lesser.metrics));
    const one = await simulate({ ...machine, faults: [second!] });
    expect(one.of('time.total')).toBeGreaterThan(sound.of('time.total'));
    expect(one.of('time.total')).toBeLessThan(lesser.of('time.total'));
    expect(one.warnings.map(({ message }) => message).join()).toContain('The run had h2d of GPU 1 at 50.0 % of its bandwidth from 0 ns.');
  });

  it('two lanes of three, with a third of the bandwidth gone', async () => {
    const whole = bandwidthOf('t4');
    const faulty = await simulate({ faults: [{ at: 0, link: 'h2d', lanes: -1 }] }, { 'hardware.links.0.lanes': 3 });
    const lesser = await simulate({}, { 'hardware.links.0.lanes': 2, 'hardware.links.0.bandwidth': (whole / 3) * 2 });
    // Utilization is of the lanes that there once were.
    const { 'transfer.h2d.utilization': _, ...figures } = plain(lesser.metrics);
    expect(plain(faulty.metrics)).toMatchObject(figures);
  });

  it('a CPU at half its speed', async () => {
    const cpu = { peak: 1e12, memoryBandwidth: 50e9, computeFraction: 0.5, bandwidthFraction: 0.5, handover: 30_000 };
    const half = { ...cpu, peak: cpu.peak / 2, memoryBandwidth: cpu.memoryBandwidth / 2 };
    const faulty = await simulate(
      { faults: [{ at: 0, cpu: '50%' }] },
      { 'hardware.cpu': cpu, 'system.onMiss': 'cpu', 'system.cache.policy': 'static:by=id' },
    );
    const lesser = await simulate({}, { 'hardware.cpu': half, 'system.onMiss': 'cpu', 'system.cache.policy': 'static:by=id' });
    expect(faulty.of('time.cpu')).toBeGreaterThan(0);
    expect(plain(faulty.metrics)).toEqual(plain(lesser.metrics));
  });

  it('less memory, of which what nobody has goes first', async () => {
    const all = 48 * MIB;
    const sound = await simulate({}, { 'hardware.tiers.0.size': 100 * MIB, 'hardware.tiers.0.reserve': 0 });
    const spare = 100 * MIB - sound.of('memory.gpu.peak');
    const lost = (bytes: number) =>
      simulate({ faults: [{ at: 0, gpuMemory: `-${bytes}` }] }, { 'hardware.tiers.0.size': 100 * MIB, 'hardware.tiers.0.reserve': 0 });
    expect(plain((await lost(spare)).metrics)).toEqual(plain(sound.metrics));
    const faulty = await lost(spare + all / 4);
    const lesser = await simulate({ memory: { expertCache: all / 4 } });
    expect(plain(faulty.metrics)).toEqual(plain(lesser.metrics));
    expect(faulty.of('memory.gpu.expert_cache_least')).toBe(all / 4);
    expect(faulty.of('bound.belady.hit_rate')).toBe(lesser.of('bound.belady.hit_rate'));
  });
});

/** What the machine says, before a runtime has its share of it. */
function bandwidthOf(machine: string): number {
  const { links } = loadHardware(machine).facts as HardwareProfile;
  return links[0]!.bandwidth!;
}

describe('a fault in the middle', () => {
  /** End of every pass, ns. */
  async function ends(input: RunInput): Promise<number[]> {
    const seen: number[] = [];
    const observer = new Proxy({} as Observer, {
      get: (_, name) => (name === 'passEnded' ? (_pass: unknown, _start: number, end: number) => seen.push(end) : () => undefined),
    });
    await simulateRun(run(input), { observe: () => observer });
    return seen;
  }

  it('changes nothing before it, everything in between, and nothing of what is demanded', async () => {
    const sound = await ends({});
    const at = sound[100]!;
    const until = sound[200]!;
    const faulty = await ends({ faults: [{ at, until, link: 'h2d', bandwidth: '25%' }] });
    expect(faulty.slice(0, 101)).toEqual(sound.slice(0, 101));
    const took = (all: readonly number[], pass: number): number => all[pass]! - all[pass - 1]!;
    expect(took(faulty, 102)).toBeGreaterThan(took(sound, 102));
    const over = faulty.findIndex((end) => end > until) + 2;
    expect(took(faulty, over)).toBeCloseTo(took(sound, over), 3);
    const [a, b] = [await simulate({}), await simulate({ faults: [{ at, until, link: 'h2d', bandwidth: '25%' }] })];
    for (const name of ['cache.hits', 'cache.misses', 'transfer.h2d.bytes', 'workload.requests']) expect(b.of(name)).toBe(a.of(name));
  });

  it('is told with what it changed, as a warning and in metrics', async () => {
    const { metrics, of, warnings } = await simulate({ faults: [{ at: '100ms', until: '300ms', link: 'h2d', bandwidth: '25%' }] });
    const [warning] = warnings.filter(({ code }) => code === 'degraded');
    expect(warning!.message).toMatch(
      /^The run had h2d at 25\.0 % of its bandwidth from 100 ms to 300 ms\. Decode: [\d.,]+ tok\/s before, [\d.,]+ tok\/s during, [\d.,]+ tok\/s after; prefill: .*; hit rate: /,
    );
    expect(of('fault.decode')).toBeLessThan(of('fault.decode_without'));
    expect(of('fault.stall')).toBeGreaterThan(of('fault.stall_without'));
    expect(of('fault.time')).toBeGreaterThan(190e6);
    expect(metrics['fault.restarts']!.value).toBe(0);
    const missed = await simulate({ faults: [{ at: '1h', link: 'h2d', bandwidth: '25%' }] });
    expect(missed.warnings.map(({ code }) => code)).toContain('fault-missed');
    expect(missed.metrics).not.toHaveProperty(['fault.decode']);
  });

  it('makes a result that is not comparable with one without it', async () => {
    const sound = await simulate({});
    expect((await simulate({ faults: [{ at: 0, link: 'h2d', bandwidth: '50%' }] })).fingerprint).not.toBe(sound.fingerprint);
    expect(sound.metrics).not.toHaveProperty(['fault.time']);
  });
});

/** Runs with one to four faults. */
function drawFaults() {
  const at = fc.integer({ min: 0, max: 800 }).map((ms) => ms * 1e6);
  const lasts = fc.option(
    fc.integer({ min: 1, max: 400 }).map((ms) => ms * 1e6),
    { nil: undefined },
  );
  const share = fc.constantFrom('10%', '50%', '90%');
  const one = fc.oneof(
    fc.record({ link: fc.constantFrom('h2d' as const, 'ssd' as const), bandwidth: share }),
    fc.record({ link: fc.constantFrom('h2d' as const, 'ssd' as const), lanes: fc.constant(-1) }),
    fc.record({ cpu: share }),
    fc.record({ gpuMemory: fc.integer({ min: 1, max: 4 }).map((mib) => `-${mib}MiB`) }),
  );
  const faults = fc
    .array(fc.tuple(at, lasts, one), { minLength: 1, maxLength: 4 })
    .map((all) => all.map(([from, ns, what]) => ({ at: from, ...(ns === undefined ? {} : { until: from + ns }), ...what })));
  return fc.record({
    faults,
    batch: fc.integer({ min: 1, max: 3 }),
    predictor: fc.constantFrom<'none' | 'last-token'>('none', 'last-token', 'last-token'),
    onMiss: fc.constantFrom<unknown>('load', 'cheaper', { do: 'cpu', admit: 'background' }),
    scope: fc.constantFrom('global', 'layer'),
    exclusive: fc.boolean(),
    growth: fc.constantFrom('static' as const, 'grow' as const),
    chunk: fc.constantFrom(undefined, 100_000),
    cancel: fc.constantFrom('on' as const, 'on' as const, 'off' as const),
    dram: fc.boolean(),
  });
}

// A lane is lost whose prefetch waits for a write-back, and the expert is brought again later: two transfers.
const waiting = {
  faults: [{ at: 9e6, link: 'h2d', lanes: -1 } as const],
  batch: 1,
  predictor: 'last-token',
  onMiss: { do: 'cpu', admit: 'background' },
  scope: 'global',
  exclusive: true,
  growth: 'static',
  chunk: undefined,
  cancel: 'on',
  dram: false,
} as const;

describe('L8 with any faults', () => {
  it('the run ends, every request is served whole, and every transfer is accounted for', async () => {
    let restarts = 0;
    let ran = 0;
    await fc.assert(
      fc.asyncProperty(drawFaults(), async (draw) => {
        const { batch, dram, growth, predictor } = draw;
        // A slow SSD below a DRAM that holds half of the experts, and links of five lanes, of which at most four are lost.
        const links = [
          { name: 'h2d', bandwidth: 2e9, latency: 10_000, lanes: 5, ...(draw.chunk === undefined ? {} : { chunk: draw.chunk }) },
          { name: 'ssd', bandwidth: 1e9, latency: 50_000, lanes: 5 },
        ];
        const tiers = [
          { name: 'gpu', size: 44 * MIB },
          { name: 'dram', size: 100 * MIB },
          { name: 'ssd', size: 1e12 },
        ];
        const input: RunInput = {
          hardware: calibrated('t4'),
          faults: draw.faults.filter((fault) => dram || !('link' in fault) || fault.link === 'h2d'),
          memory: { expertCache: '40%', ...(growth === 'grow' ? { kvGrowth: growth } : {}), ...(dram ? { dramCache: '50%' } : {}) },
          workload: { batch, prompt: 20, output: 30, tokens: 50 * (batch + 1) },
        };
        if (input.faults!.length === 0) return;
        const spec = run(input, {
          'hardware.links': links,
          'hardware.tiers': tiers,
          'system.predictor.kind': predictor,
          'system.prefetch.cancel': draw.cancel,
          'system.onMiss': draw.onMiss,
          'system.cache.scope': draw.scope,
          'system.cache.exclusive': draw.exclusive,
        });
        const { details, metrics } = await simulateRun(spec, { details: true });
        const of = (name: string): number => metrics[name]?.value ?? 0;
        expect(of('workload.requests')).toBe(batch + 1);
        expect(of('throughput.total') * of('time.total')).toBeCloseTo(50 * (batch + 1) * 1e9, -4);
        expect(of('cache.hits') + of('cache.late') + of('cache.misses')).toBe(of('experts.demanded'));
        expect(of('transfer.on_demand.count') + of('transfer.prefetch.count')).toBe(of('transfer.h2d.count'));
        expect(of('prefetch.pending')).toBeGreaterThanOrEqual(0);
        expect(of('memory.gpu.peak')).toBeLessThanOrEqual(44 * MIB);
        expect(of('transfer.h2d.utilization')).toBeLessThanOrEqual(1);
        // Pictures show a transfer whose lane was lost once, and the lost lane free.
        const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
        expect(sum(details!.loads.flat())).toBe(of('transfer.h2d.count'));
        for (const { name, demandNs, lanes, prefetchNs } of details!.series.links) {
          if (name.endsWith('write-back')) continue;
          const busyNs = of(`transfer.${name}.utilization`) * lanes * of('time.total');
          expect(Math.abs(sum(demandNs) + sum(prefetchNs) - busyNs), name).toBeLessThanOrEqual(10);
        }
        restarts += of('fault.restarts');
        ran++;
        expect((await simulateRun(spec)).metrics).toEqual(metrics);
      }),
      { seed: 33, numRuns: cases(60, 12), examples: [[{ ...waiting, faults: [...waiting.faults] }]] },
    );
    expect(ran).toBeGreaterThan(cases(40));
    expect(restarts).toBeGreaterThan(0);
  });
});

describe('what users write', () => {
  it('is read from a flag as from a profile', () => {
    expect(splitFault('at=2s, link=h2d,bandwidth=50%')).toEqual({ at: '2s', link: 'h2d', bandwidth: '50%' });
    expect(splitFault('at=3s,link=h2d,lanes=-1,until=5s')).toEqual({ at: '3s', link: 'h2d', lanes: -1, until: '5s' });
    expect(() => splitFault('at=2s,h2d')).toThrow('--fault: "h2d" is not key=value');
    expect(() => splitFault('at=2s,at=3s')).toThrow('--fault: at is given twice');
    const read = (text: string) => run({ faults: [splitFault(text) as unknown as NonNullable<RunInput['faults']>[0]] }).faults![0]!;
    expect(read('at=5s,gpuMemory=-4GiB')).toEqual({ at: 5e9, gpuMemory: 4 * 2 ** 30 });
    expect(describeFault(read('at=5s,gpuMemory=-4GiB'))).toBe('the GPU without 4.00 GiB of its memory from 5.00 s');
    expect(read('at=5s,gpu=1,gpuMemory=-4GiB')).toEqual({ at: 5e9, gpu: 1, gpuMemory: 4 * 2 ** 30 });
    expect(describeFault(read('at=5s,gpu=1,gpuMemory=-4GiB'), 2)).toBe('GPU 1 without 4.00 GiB of its memory from 5.00 s');
    expect(describeFault(read('at=5s,gpuMemory=-4GiB'), 2)).toBe('every GPU without 4.00 GiB of its memory from 5.00 s');
    expect(describeFault(read('at=5s,gpu=1,link=h2d,lanes=-1'), 2)).toBe('h2d of GPU 1 without one of its lanes from 5.00 s');
    expect(describeFault(read('at=5s,gpu=0,link=h2d,bandwidth=50%'))).toBe('h2d at 50.0 % of its bandwidth from 5.00 s');
    expect(describeFault(read('at=1s,until=2s,link=ssd,lanes=-1'))).toBe('ssd without one of its lanes from 1.00 s to 2.00 s');
    expect(describeFault(read('at=1s,cpu=50%'))).toBe('the CPU at 50.0 % of its speed from 1.00 s');
  });

  it.each([
    [{ at: '1s' }, 'faults.0: says nothing that changes; give a link with bandwidth or lanes, cpu, or gpuMemory'],
    [{ at: '1s', bandwidth: '50%' }, 'faults.0: needs the link that it hits'],
    [{ at: '1s', link: 'h2d', bandwidth: 0 }, 'faults.0.bandwidth: must be more than 0%'],
    [{ at: '1s', link: 'h2d', lanes: 1 }, 'faults.0.lanes'],
    [{ at: '1s', cpu: '50%', gpuMemory: '-1GiB' }, 'changes cpu and gpuMemory at once; write one fault for each'],
    [{ at: '1s', link: 'h2d', gpuMemory: '-1GiB' }, 'faults.0.link: is no property of a link; leave it out'],
    [{ at: '1s', gpuMemory: '4GiB' }, 'faults.0.gpuMemory: "4GiB" is not a loss of memory; write e.g. -4GiB'],
    [{ at: '1s', cpu: '50%', gpu: 1 }, 'faults.0.gpu: says whose memory or whose h2d is hit, and all else is of the machine'],
    [{ at: '1s', link: 'ssd', bandwidth: '50%', gpu: 1 }, 'faults.0.gpu: says whose memory or whose h2d is hit'],
    [{ at: '1s', gpuMemory: '-4GiB', gpu: -1 }, 'faults.0.gpu'],
    [{ at: '2s', until: '1s', cpu: '50%' }, 'faults.0.until: must be later than at'],
  ])('%j is refused', (fault, message) => {
    expect(() => run({ faults: [fault as NonNullable<RunInput['faults']>[0]] })).toThrow(message);
  });

  it('a loss of what the run cannot do without is refused before it starts', async () => {
    const settings = { 'hardware.tiers.0.size': 60 * MIB, 'hardware.tiers.0.reserve': 0 };
    const lost = (gpuMemory: string, kvGrowth?: 'grow') =>
      simulate({ faults: [{ at: '1s', gpuMemory }], memory: kvGrowth === undefined ? {} : { kvGrowth } }, settings);
    await expect(lost('-50MiB')).rejects.toThrow(/test: faults: at 1\.00 s the GPU lacks 50\.0 MiB, and has 0 B for .* of KV caches/);
    await expect(lost('-50MiB', 'grow')).rejects.toThrow('for the least expert cache and the KV cache of the longest request');
    await expect(simulate({ faults: [{ at: 0, gpuMemory: '-1MiB', gpu: 1 }] })).rejects.toThrow(
      'test: faults.0.gpu: there is no GPU 1; the machine has one GPU, number 0',
    );
  });
});

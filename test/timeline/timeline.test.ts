// The timeline of a run: what viewers insist on, and that its times are those of the result.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Link } from '../../src/engine/transfer/link.js';
import { TraceEvents } from '../../src/timeline/events.js';
import { Timeline } from '../../src/timeline/timeline.js';
import { EVERYTHING } from '../../src/timeline/window.js';
import { cases } from '../cases.js';
import { composeEngine } from '../engine/harness.js';
import { type Scenario, scenarios, wholeLink, wholeMachine } from '../engine/scenario.js';
import { says, world } from '../engine/world.js';
import { draw, fractional } from './draw.js';
import { type Parsed, parseTimeline, type Slice, totalNs } from './parse.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 60_000 });

const check = (property: (scenario: Scenario) => Promise<void>, numRuns = cases(150)) =>
  fc.assert(fc.asyncProperty(scenarios, property), { seed: 7, numRuns });

const sum = (column: Float64Array): number => column.reduce((total, value) => total + value, 0);
const on = (parsed: Parsed, track: string) => parsed.slices.filter(({ tid }) => parsed.tracks.get(tid) === track);
const ordered = (slices: readonly Slice[]) => slices.toSorted((a, b) => a.tid - b.tid || a.start - b.start);
const brief = ({ name, start, end }: Slice) => `${name} ${start}-${end}`;
/** Slices of a link's lanes that are first parts, which carry the bytes. */
const transfersOf = (parsed: Parsed, name: string) =>
  parsed.slices.filter(({ tid, args }) => parsed.groups.get(Math.floor(tid / 1000)) === name && 'bytes' in args);

// Experts of 10 bytes: layer 0 has 0-3, layer 1 has 4-7. One lane of 1 ns per byte that may be interrupted after every 4 bytes.
// Executing an expert takes 10 ns, dense work 5 ns before each layer and 3 ns after the last. Three fit into the cache.
const scenario = world({
  layers: [{ denseNs: 5 }, { denseNs: 5 }],
  tailNs: 3,
  topK: 1,
  hardware: wholeMachine([wholeLink('h2d', 1, 0, 1, 4)]),
  capacityBytes: 30,
  passes: [[[[0], [1]]], [[[0], [2]]], [[[3], [0]]]],
  script: says({ '1/-1': { 2: 0.5 }, '1/0': { 6: 1 }, '3/0': { 7: 1, 4: 0.5 } }),
});

// Pass 1. At 0 expert 2 is planned, and its copy starts. At 5 layer 0 wants 0: the copy gives way after 8 bytes. Expert 6 is planned
// at 5 and waits for the lane until 20. At 33 layer 1 wants 5, for which 2 must go, unused.
const pass1 = {
  gpu: [
    'dense L0 0-5',
    'stall L0 E0 5-18',
    'expert L0 E0 18-28',
    'dense L1 28-33',
    'stall L1 E1 33-43',
    'expert L1 E1 43-53',
    'dense tail 53-56',
  ],
  h2d: [
    'wasted prefetch L0 E2 0-8',
    'on demand L0 E0 8-18',
    'wasted prefetch L0 E2 18-20',
    'useful prefetch L1 E2 20-30',
    'on demand L1 E1 33-43',
  ],
};

// Pass 2 finds 0 and the prefetched 6.
const pass2 = { gpu: ['dense L0 56-61', 'expert L0 E0 61-71', 'dense L1 71-76', 'expert L1 E2 76-86', 'dense tail 86-89'] };

// Pass 3. At 94 layer 0 wants 3, for which 5 goes. 7 and 4 are planned: 7 is copied from 104 on (0 goes), 4 from 114 on (6 goes).
// At 119 layer 1 wants 4, which is on its way. Nobody wants 7.
const pass3 = {
  gpu: [
    'dense L0 89-94',
    'stall L0 E3 94-104',
    'expert L0 E3 104-114',
    'dense L1 114-119',
    'stall L1 E0 119-124',
    'expert L1 E0 124-134',
    'dense tail 134-137',
  ],
  h2d: ['on demand L0 E3 94-104', 'pending prefetch L1 E3 104-114', 'late prefetch L1 E0 114-124'],
};

describe('a timeline worked out by hand', () => {
  it('shows what ran, what was copied and what for', async () => {
    const { parsed } = await draw(scenario);
    expect(on(parsed, 'GPU').map(brief)).toEqual([...pass1.gpu, ...pass2.gpu, ...pass3.gpu]);
    expect(on(parsed, 'h2d').map(brief)).toEqual([...pass1.h2d, ...pass3.h2d]);
    expect(on(parsed, 'passes').map(brief)).toEqual(['pass 1 0-56', 'pass 2 56-89', 'pass 3 89-137']);
    expect(on(parsed, 'layers').map(brief)).toEqual([
      'layer 0 0-28',
      'layer 1 28-53',
      'layer 0 56-71',
      'layer 1 71-86',
      'layer 0 89-114',
      'layer 1 114-134',
    ]);
    expect(on(parsed, 'layers').map(({ args }) => args)).toEqual([
      { hits: 0, late: 0, misses: 1 },
      { hits: 0, late: 0, misses: 1 },
      { hits: 1, late: 0, misses: 0 },
      { hits: 1, late: 0, misses: 0 },
      { hits: 0, late: 0, misses: 1 },
      { hits: 0, late: 1, misses: 0 },
    ]);
  });

  it('draws arrows, evictions and counters', async () => {
    const { parsed } = await draw(scenario);
    expect(parsed.flows.map((flow) => flow.map(({ slice }) => brief(slice)))).toEqual([
      ['layer 0 0-28', 'wasted prefetch L0 E2 0-8'],
      ['layer 0 0-28', 'useful prefetch L1 E2 20-30', 'expert L1 E2 76-86'],
      ['layer 0 89-114', 'late prefetch L1 E0 114-124', 'expert L1 E0 124-134'],
      ['layer 0 89-114', 'pending prefetch L1 E3 104-114'],
    ]);
    const instants = parsed.events.filter(({ ph }) => ph === 'i').map(({ name, ts }) => `${name} ${Math.round(ts! * 1000)}`);
    expect(instants).toEqual(['evict L0 E2 33', 'evict L1 E1 94', 'evict L0 E0 104', 'evict L1 E2 114']);
    const counter = (name: string) =>
      parsed.events.filter((event) => event.ph === 'C' && event.name === name).map(({ ts, args }) => [Math.round(ts! * 1000), args]);
    expect(counter('experts')).toEqual([
      [0, { 'resident bytes': 0 }],
      [28, { 'resident bytes': 30 }],
    ]);
    expect(counter('cache')).toEqual([
      [0, { 'hit rate': 0 }],
      [56, { 'hit rate': 1 }],
      [89, { 'hit rate': 0 }],
    ]);
  });
});

describe('a part of a timeline worked out by hand', () => {
  it('cuts at the edges of a window, and leaves no half arrow', async () => {
    const { parsed } = await draw(scenario, { by: 'time', from: 25, to: 80 });
    expect(on(parsed, 'h2d').map(brief)).toEqual(['useful prefetch L1 E2 25-30', 'on demand L1 E1 33-43']);
    expect(on(parsed, 'passes').map(brief)).toEqual(['pass 1 25-56', 'pass 2 56-80']);
    expect(parsed.flows).toEqual([]);
    const counters = parsed.events.filter(({ ph }) => ph === 'C').map(({ ts, args }) => [Math.round(ts! * 1000), args]);
    expect(counters).toEqual([
      [25, { 'resident bytes': 0 }],
      [28, { 'resident bytes': 30 }],
      [25, { 'hit rate': 0 }],
      [56, { 'hit rate': 1 }],
    ]);
  });

  it('shows a range of passes', async () => {
    const { parsed } = await draw(scenario, { by: 'pass', from: 2, to: 2 });
    expect(on(parsed, 'GPU').map(brief)).toEqual(pass2.gpu);
    expect(on(parsed, 'passes').map(brief)).toEqual(['pass 2 56-89']);
    expect(on(parsed, 'h2d')).toEqual([]);
    const counters = parsed.events.filter(({ ph }) => ph === 'C').map(({ ts, args }) => [Math.round(ts! * 1000), args]);
    expect(counters).toEqual([
      [56, { 'hit rate': 1 }],
      [56, { 'resident bytes': 30 }],
    ]);
    const last = await draw(scenario, { by: 'pass', from: 3, to: Number.POSITIVE_INFINITY });
    expect(on(last.parsed, 'GPU').map(brief)).toEqual(pass3.gpu);
    expect(last.parsed.flows.length).toBe(2);
    const beyond = await draw(scenario, { by: 'pass', from: 9, to: 9 });
    expect([beyond.written, beyond.parsed.slices]).toEqual([0, []]);
  });
});

describe('a lane that is lost', () => {
  it('ends what it carried, which begins again on another', async () => {
    // Two lanes of 1 ns per byte; expert 1 is on the second when that is lost at 6, and waits for expert 0 on the first.
    const scenario = world({ layers: [{}], passes: [], hardware: wholeMachine([wholeLink('h2d', 1, 0, 2)]) });
    const { gpu } = await composeEngine(scenario);
    let text = '';
    const events = new TraceEvents((piece) => {
      text += piece;
    });
    const timeline = new Timeline({ model: scenario.model, gpus: [{ gpu, dram: null }], window: EVERYTHING, events });
    gpu.link.observer = timeline;
    gpu.link.prefetch(0, 0, 10, 0);
    gpu.link.prefetch(1, 1, 10, 2);
    gpu.link.keepLanes(1, 6);
    gpu.link.demand(2, 10, 6);
    timeline.end();
    events.end({});
    const parsed = parseTimeline(text);
    expect(on(parsed, 'h2d lane 0').map(brief)).toEqual([
      'pending prefetch L0 E0 0-10',
      'pending prefetch L0 E1 10-20',
      'on demand L0 E2 20-30',
    ]);
    expect(on(parsed, 'h2d lane 1').map(brief)).toEqual(['pending prefetch L0 E1 2-6']);
    expect(totalNs(parsed, ({ category }) => category.startsWith('transfer'))).toBe(gpu.link.busyNs);
    expect(transfersOf(parsed, 'h2d').length).toBe(3);
  });
});

describe('a prefetch that yields to nothing', () => {
  it('goes between the chunks of another, or behind it, and stays where that is lost', async () => {
    // Two lanes of 1 ns per byte and chunks of 4 bytes. Expert 0 runs on the second until 14; 2 is placed between its chunks and 3 behind it.
    const scenario = world({ layers: [{}], passes: [], hardware: wholeMachine([wholeLink('h2d', 1, 0, 2, 4)]) });
    const { gpu } = await composeEngine(scenario);
    let text = '';
    const events = new TraceEvents((piece) => {
      text += piece;
    });
    const timeline = new Timeline({ model: scenario.model, gpus: [{ gpu, dram: null }], window: EVERYTHING, events });
    gpu.link.observer = timeline;
    gpu.link.prefetch(0, 1, 20, 0);
    gpu.link.promote(1);
    gpu.link.prefetch(1, 0, 10, 0);
    gpu.link.place(2, 4, 3);
    gpu.link.place(3, 4, 14);
    gpu.link.keepLanes(1, 9);
    timeline.end();
    events.end({});
    const parsed = parseTimeline(text);
    expect(on(parsed, 'h2d lane 0').map(brief)).toEqual(['pending prefetch L0 E1 0-20', 'pending prefetch L0 E0 20-30']);
    expect(on(parsed, 'h2d lane 1').map(brief)).toEqual([
      'pending prefetch L0 E0 0-4',
      'pending prefetch L0 E2 4-8',
      'pending prefetch L0 E0 8-9',
      'pending prefetch L0 E3 14-18',
    ]);
    expect(totalNs(parsed, ({ category }) => category.startsWith('transfer'))).toBe(gpu.link.busyNs);
    expect(transfersOf(parsed, 'h2d').length).toBe(4);
  });
});

const linksOf = ({ gpu, dram }: { gpu: { link: Link }; dram: { link: Link } | null }) => [gpu.link, ...(dram === null ? [] : [dram.link])];

describe('a timeline of any run', () => {
  it.each([
    ['whole', (scenario: Scenario) => scenario, 0],
    ['fractional', fractional, 0.5000001],
  ] as const)('is what viewers accept, and adds up to the result, with %s nanoseconds', async (_name, prepare, within) =>
    check(async (drawn) => {
      const scenario = prepare(drawn);
      const run = await draw(scenario);
      const { parsed, recorder, engine } = run;
      const { layers } = recorder;
      const near = (value: number, exact: number, slack: number = within) =>
        expect(Math.abs(value - exact), `${value} and ${exact}`).toBeLessThanOrEqual(slack);
      near(
        totalNs(parsed, ({ category }) => category === 'dense'),
        sum(layers.denseNs) + recorder.tailNs,
      );
      near(
        totalNs(parsed, ({ category }) => category === 'expert'),
        sum(layers.computeNs),
      );
      near(
        totalNs(parsed, ({ category }) => category === 'stall'),
        sum(layers.stallNs),
      );
      near(
        totalNs(parsed, ({ category }) => category === 'cpu'),
        sum(layers.cpuNs),
      );
      const last = Math.max(...on(parsed, 'passes').map(({ end }) => end));
      near(last, engine.nowNs, 4 * within);
      for (const link of linksOf(run)) {
        const transfers = transfersOf(parsed, link.name);
        expect(transfers.length).toBe(link.demands + link.prefetches);
        expect(transfers.reduce((bytes, { args }) => bytes + Number(args.bytes), 0)).toBe(link.demandBytes + link.prefetchBytes);
        const busy = totalNs(parsed, ({ tid }) => parsed.groups.get(Math.floor(tid / 1000)) === link.name);
        near(busy, link.busyNs, 2 * link.lanes * within);
      }
      const { useful, late, wasted } = {
        useful: recorder.prefetchUseful,
        late: recorder.prefetchLate,
        wasted: recorder.prefetchWasted,
      };
      const first = transfersOf(parsed, 'h2d');
      expect(first.filter(({ name }) => name.startsWith('useful')).length).toBe(useful);
      expect(first.filter(({ name }) => name.startsWith('late')).length).toBe(late);
      expect(first.filter(({ name }) => name.startsWith('wasted')).length).toBe(wasted);
      expect(first.filter(({ name }) => name.startsWith('pending')).length).toBe(run.gpu.link.prefetches - useful - late - wasted);
      expect(transfersOf(parsed, 'h2d write-back').length).toBe(recorder.writeBacks);
      // What leaves a buffer undemanded is no eviction, but marked all the same; of what is wasted, only promotions are never in one.
      const discarded = parsed.events.filter(({ ph }) => ph === 'i').length - sum(layers.evictions);
      expect(discarded).toBeLessThanOrEqual(scenario.staging === 0 ? 0 : wasted);
      expect(discarded).toBeGreaterThanOrEqual(scenario.staging === 0 ? 0 : wasted - recorder.promoted);
      const slices = on(parsed, 'layers');
      const judged = slices.reduce((all, { args }) => all + Number(args.hits) + Number(args.late) + Number(args.misses), 0);
      // A layer that is over in no time has no slice.
      if (slices.length === scenario.passes.length * scenario.model.layers.length) expect(judged).toBe(sum(layers.demanded));
      else expect(judged).toBeLessThanOrEqual(sum(layers.demanded));
      const bytes = parsed.events
        .filter(({ ph, name }) => ph === 'C' && name === 'experts')
        .map(({ args }) => Number(args!['resident bytes']));
      expect(bytes.length).toBeGreaterThan(0);
      for (const resident of bytes) expect(resident).toBeLessThanOrEqual(scenario.capacityBytes);
    }),
  );
});

describe('arrows and windows of any run', () => {
  it('leads every arrow from a decision over its copy to the first use', async () => {
    let arrows = 0;
    let uses = 0;
    await check(async (scenario) => {
      const { parsed, recorder, gpu } = await draw(fractional(scenario));
      expect(parsed.flows.length).toBeLessThanOrEqual(gpu.link.prefetches);
      arrows += parsed.flows.length;
      for (const [decision, copy, use] of parsed.flows) {
        expect(decision!.slice.category).toBe('layer');
        expect(copy!.slice.category).toMatch(/^transfer,prefetch/);
        if (use === undefined) {
          expect(copy!.slice.category).toMatch(/wasted|pending/);
          continue;
        }
        uses++;
        expect(copy!.slice.category).toMatch(/useful|late/);
        expect(use.slice.category).toBe('expert');
        expect(copy!.slice.name.endsWith(use.slice.name.replace('expert', ''))).toBe(true);
        expect(use.slice.start).toBeGreaterThanOrEqual(copy!.slice.start);
      }
      expect(parsed.flows.filter((flow) => flow.length === 3).length).toBeLessThanOrEqual(recorder.prefetchUseful + recorder.prefetchLate);
    });
    expect(arrows).toBeGreaterThan(cases(300));
    expect(uses).toBeGreaterThan(cases(100));
  });

  it('with a window is the whole timeline, cut', async () =>
    check(async (drawn) => {
      const scenario = fractional(drawn);
      const whole = await draw(scenario);
      const [from, to] = [Math.round(whole.engine.nowNs / 3), Math.round(whole.engine.nowNs / 1.5) + 1];
      const { parsed } = await draw(scenario, { by: 'time', from, to });
      const cut = whole.parsed.slices
        .map((slice) => ({ ...slice, start: Math.max(from, slice.start), end: Math.min(to, slice.end) }))
        .filter(({ start, end }) => start < end);
      expect(ordered(parsed.slices)).toEqual(ordered(cut));
      const inside = ({ ns }: { ns: number }) => ns >= from && ns < to;
      expect(parsed.flows.length).toBe(whole.parsed.flows.filter((flow) => flow.every(inside)).length);
    }, 60));
});

// What waiting and traffic go back to: hand-computed, and in sum what the engine counts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CauseRecorder } from '../../../src/engine/watch/causes.js';
import type { ExpertCause } from '../../../src/result/details.js';
import { cases } from '../../cases.js';
import { composeEngine, passesOf } from '../harness.js';
import { type Scenario, scenarios, wholeLink, wholeMachine } from '../scenario.js';
import { says, world } from '../world.js';

async function record(scenario: Scenario) {
  const composed = await composeEngine(scenario);
  const { engine, gpu, dram } = composed;
  const { model } = scenario;
  const recorder = new CauseRecorder(model, ['dram', 'ssd'], [{ gpu, dram, whole: null }]);
  engine.observe(recorder);
  for (const pass of passesOf(scenario)) engine.run(pass);
  return { ...composed, causes: recorder.causes() };
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);
const sumOf = (causes: readonly ExpertCause[], choose: (one: ExpertCause) => boolean = () => true): number =>
  sum(causes.filter(choose).flatMap(({ byExpert }) => byExpert.flat()));
const brief = (causes: readonly ExpertCause[]) =>
  Object.fromEntries(causes.map(({ tier, cause, byExpert }) => [`${tier}, ${cause}`, byExpert]));

describe('causes', () => {
  it('are those that were worked out by hand', async () => {
    // The world of the timeline's test: experts of 10 bytes and 10 ns, one lane that yields every 4 bytes, room for three.
    const { causes } = await record(
      world({
        layers: [{ denseNs: 5 }, { denseNs: 5 }],
        topK: 1,
        hardware: wholeMachine([wholeLink('h2d', 1, 0, 1, 4)]),
        capacityBytes: 30,
        passes: [[[[0], [1]]], [[[0], [2]]], [[[3], [0]]]],
        script: says({ '1/-1': { 2: 0.5 }, '1/0': { 6: 1 }, '3/0': { 7: 1, 4: 0.5 } }),
      }),
    );
    // Expert 0 of layer 0 waits for the lane until 8 and is there at 18, 13 ns after it was wanted.
    expect(brief(causes.stallNs)).toEqual({
      'dram, on demand': [
        [13, 0, 0, 10],
        [0, 10, 0, 0],
      ],
      'dram, late prefetch': [
        [0, 0, 0, 0],
        [5, 0, 0, 0],
      ],
    });
    expect(causes.otherStallNs).toEqual([0, 0]);
    expect(brief(causes.bytes)).toEqual({
      'dram, on demand': [
        [10, 0, 0, 10],
        [0, 10, 0, 0],
      ],
      'dram, wasted prefetch': [
        [0, 0, 10, 0],
        [0, 0, 0, 0],
      ],
      'dram, useful prefetch': [
        [0, 0, 0, 0],
        [0, 0, 10, 0],
      ],
      'dram, late prefetch': [
        [0, 0, 0, 0],
        [10, 0, 0, 0],
      ],
      'dram, pending prefetch': [
        [0, 0, 0, 0],
        [0, 0, 0, 10],
      ],
    });
  });
});

describe('causes of any run', () => {
  it('tell the SSD from DRAM, and waiting for the CPU from both', async () => {
    const ssd = await record(
      world({
        layers: [{}],
        topK: 1,
        hardware: wholeMachine([wholeLink('h2d', 1), wholeLink('ssd', 2)]),
        capacityBytes: 10,
        dram: { policy: 'lru', capacityBytes: 40 },
        passes: [[[[0]]], [[[1]]], [[[0]]]],
      }),
    );
    // 20 ns from the SSD and 10 over the link, the first time; 10 from DRAM the second time.
    expect(brief(ssd.causes.stallNs)).toEqual({ 'ssd, on demand': [[30, 30, 0, 0]], 'dram, on demand': [[10, 0, 0, 0]] });
    expect(brief(ssd.causes.bytes)).toEqual({ 'ssd, on demand': [[10, 10, 0, 0]], 'dram, on demand': [[20, 10, 0, 0]] });
    const cpu = await record(world({ layers: [{}], topK: 1, onMiss: 'cpu', passes: [[[[0]]]] }));
    expect([cpu.causes.stallNs, cpu.causes.otherStallNs, cpu.causes.bytes]).toEqual([[], [20], []]);
  });

  it('add up to what the run counts', () =>
    fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => {
        const { causes, gpu, dram, recorder } = await record(scenario);
        expect(sumOf(causes.stallNs) + sum(causes.otherStallNs)).toBeCloseTo(sum(recorder.layers.stallNs), 3);
        const fromDram = ({ tier }: ExpertCause) => tier === 'dram';
        expect(sumOf(causes.bytes, fromDram)).toBe(gpu.link.demandBytes + gpu.link.prefetchBytes);
        expect(sumOf(causes.bytes, ({ tier, cause }) => tier === 'dram' && cause === 'on demand')).toBe(gpu.link.demandBytes);
        expect(sumOf(causes.bytes, ({ cause }) => cause === 'wasted prefetch')).toBe(recorder.prefetchWastedBytes);
        expect(sumOf(causes.bytes, ({ tier }) => tier === 'ssd')).toBe((dram?.link.demandBytes ?? 0) + (dram?.link.prefetchBytes ?? 0));
        expect(sumOf(causes.bytes, ({ cause }) => cause === 'write-back')).toBe(recorder.writeBackBytes);
      }),
      { seed: 11, numRuns: cases(150) },
    ));
});

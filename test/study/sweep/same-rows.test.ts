// Systems that are compared replay the same rows, whoever of them counts popularity.
import { describe, expect, it } from 'vitest';
import { bySystem, sameRows } from '../../../src/study/sweep/equal-footing.js';
import { sweepFor } from '../../../src/study/sweep/sweep-runs.js';
import { checkRun } from '../../../src/system/load-run.js';
import type { RunInput } from '../../../src/system/run.js';

const trace = 'mini-mixtral-8x8l#0:200';
const told = (runs: readonly RunInput[]) => sameRows(runs.map((run) => () => checkRun({ trace, ...run }, 'test')));

describe('what runs are told', () => {
  it('holds out a part of the trace where some of them do', async () => {
    expect(await told([{}, { system: 'fiddler' }])).toEqual([{ path: ['workload', 'holdOut'], value: '20%', label: 'what is held out' }]);
    expect(await told([{ system: 'fiddler' }, { system: 'no-such' }, {}])).toHaveLength(1);
    const unusable = { system: { name: 'own', cache: { policy: '/no/such/policy.mjs' } } };
    expect(
      await sameRows([unusable, { system: 'fiddler' }, {}].map((run) => () => checkRun({ trace, ...run }, 'test', [], true))),
    ).toHaveLength(1);
  });

  it('is nothing where all do or none does, routing is drawn, or it is said already', async () => {
    expect(await told([{ system: 'fiddler' }, { system: 'ktransformers' }])).toEqual([]);
    expect(await told([{}, { system: 'no-cache' }])).toEqual([]);
    const drawn = { trace: 'synthetic', model: 'mini-mixtral-8x8l' };
    expect(await told([drawn, { ...drawn, system: 'fiddler' }])).toEqual([]);
    const said = { workload: { holdOut: '10%' } };
    expect(await told([said, { ...said, system: 'fiddler' }])).toEqual([]);
  });
});

it('looks at one cell of each system', () => {
  const cells = [
    ['a', 1, 'x'],
    ['a', 2, 'x'],
    ['b', 1, 'x'],
    ['a', 1, 'y'],
  ];
  expect(bySystem(cells, ['system', 'workload.batch', 'system.cache.policy'])).toEqual([cells[0], cells[2], cells[3]]);
  expect(bySystem(cells, ['memory.expertCache', 'workload.batch', 'hardware'])).toEqual([cells[0]]);
});

it('a sweep over systems replays the same rows, with the same fingerprint', async () => {
  const run = { trace, runtime: 'llama.cpp', memory: { expertCache: '25%' }, bounds: false, audit: 'off' } as const;
  const { points } = await sweepFor(run, { system: ['on-demand-lru', 'fiddler'], 'workload.batch': [1, 2] });
  const [lru, lru2, fiddler, fiddler2] = points.map(({ result }) => result);
  expect(points).toHaveLength(4);
  expect(lru!.fingerprint).toBe(fiddler!.fingerprint);
  expect(lru2!.fingerprint).toBe(fiddler2!.fingerprint);
  expect(lru!.inputs.traces).toEqual(fiddler!.inputs.traces);
  expect(lru!.inputs.traces[0]!.heldOut).toBeGreaterThan(0);
});

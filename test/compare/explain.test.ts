// What carries a change: layers, parts, kinds and phases in the order of their weight, from counters planted by hand.
import { describe, expect, it } from 'vitest';
import { explain } from '../../src/compare/explain.js';
import { explanationLines } from '../../src/compare/words.js';
import type { PerLayer, Result } from '../../src/result/result.js';
import { sampleResult } from '../result/sample.js';

/** The sample with changes to single layers, added to its counters. */
function planted(changes: Partial<Record<keyof PerLayer, Record<number, number>>>, metrics: Record<string, number> = {}): Result {
  const result = sampleResult({ metrics });
  const perLayer = { ...result.perLayer };
  for (const [name, byLayer] of Object.entries(changes) as [keyof PerLayer, Record<number, number>][]) {
    perLayer[name] = perLayer[name].map((value, layer) => value + (byLayer[layer] ?? 0));
  }
  return { ...result, perLayer };
}

const base = planted(
  {},
  { 'cache.misses.prefill': 4000, 'cache.misses.decode': 103_520, 'cache.late.prefill': 10, 'cache.late.decode': 20 },
);
const MS = 1e6;

describe('explain', () => {
  const candidate = planted(
    {
      stallNs: { 7: 300 * MS, 20: 100 * MS, 30: -50 * MS },
      computeNs: { 7: 10 * MS },
      misses: { 7: 120, 20: 40, 30: -5 },
      evictions: { 7: 120 },
      onDemandBytes: { 7: 360e6 },
    },
    { 'cache.misses.prefill': 4005, 'cache.misses.decode': 103_670, 'cache.late.prefill': 10, 'cache.late.decode': 20 },
  );

  it('orders layers by what they carry, those against it last', () => {
    const { layers, base: before, candidate: after } = explain(base, candidate);
    expect(after - before).toBe(360 * MS);
    expect(layers.map(({ layer, timeNs, misses }) => [layer, timeNs, misses])).toEqual([
      [7, 310 * MS, 120],
      [20, 100 * MS, 40],
      [30, -50 * MS, -5],
    ]);
    expect(layers.map(({ share }) => Math.round(100 * share!))).toEqual([86, 28, -14]);
  });

  it('names parts, kinds and phases, the largest first, and only what changed', () => {
    const { parts, kinds, phases } = explain(base, candidate);
    expect(parts.map(({ name, change }) => [name, change])).toEqual([
      ['stall', 350 * MS],
      ['experts', 10 * MS],
    ]);
    expect(kinds.map(({ name, change }) => [name, change])).toEqual([
      ['misses', 155],
      ['evictions', 120],
    ]);
    expect(phases.map(({ name, change }) => [name, change])).toEqual([
      ['decode', 150],
      ['prefill', 5],
    ]);
  });

  it('reads as text', () => {
    expect(explanationLines(explain(base, candidate))).toEqual([
      ['time', '61.8 s -> 62.1 s (+360 ms, +0.58 %): stall +350 ms, experts +10.0 ms'],
      ['layers', 'layer 7: +310 ms (86.1 % of it), +120 misses, +343 MiB on demand'],
      ['', 'layer 20: +100 ms (27.8 % of it), +40 misses'],
      ['', 'layer 30: -50.0 ms (-13.9 % of it), -5 misses'],
      ['kinds', 'misses 107,892 -> 108,047 (+155), evictions 121,860 -> 121,980 (+120)'],
      ['phases', 'waits (misses and late): decode 103,540 -> 103,690 (+150), prefill 4,010 -> 4,015 (+5)'],
    ]);
  });

  it('counts the layers that it does not name, and says so where layers cannot be compared', () => {
    const all = Object.fromEntries(Array.from({ length: 48 }, (_, layer) => [layer, (layer + 1) * MS]));
    const lines = explanationLines(explain(base, planted({ stallNs: all })));
    expect(lines.filter(([, text]) => text.startsWith('layer '))).toHaveLength(5);
    expect(lines).toContainEqual(['', 'and 43 more']);
    expect(lines[1]![1]).toMatch(/^layer 47: /);
    const { perLayer } = base;
    const shorter = {
      ...base,
      perLayer: Object.fromEntries(Object.entries(perLayer).map(([name, column]) => [name, column.slice(1)])),
    } as unknown as Result;
    expect(explain(base, shorter)).toMatchObject({ layersDiffer: true, layers: [] });
  });

  it('finds nothing between a run and itself', () => {
    expect(explain(base, base)).toMatchObject({ parts: [], layers: [], kinds: [], phases: [] });
  });
});

// Rows of published hit rates: what is read, and what is refused with its place.
import { describe, expect, it } from 'vitest';
import { findProfile, listProfiles } from '../../../../src/base/profiles.js';
import { parseRows, readRows } from '../../../../src/measured/validate/rows/measurement.js';
import { loadModel } from '../../../../src/model/load/load.js';

const row = {
  id: 'a',
  source: 'arXiv 1234.56789',
  date: '2026-01-02',
  model: 'olmoe-1b-7b',
  shape: { layers: 16, experts: 64, top_k: 8 },
  policy: 'lru',
  scope: 'layer',
  batch: 1,
  workload: 'prose',
  curve: [[0.25, 0.6]],
};
const parse = (change: object) => parseRows(JSON.stringify({ ...row, ...change }), 'f.jsonl');

describe('a row of hit rates', () => {
  it('is read apart from rows of speed and memory', () => {
    expect(parse({})).toEqual({ speed: [], memory: [], hits: [row] });
  });

  it.each([
    [{ curve: [[0.25, 60]] }, 'f.jsonl:1: curve.0.1:'],
    [{ curve: [] }, 'f.jsonl:1: curve:'],
    [{ policy: 'lru-2' }, 'f.jsonl:1: policy:'],
    [{ date: 'May 2026' }, 'f.jsonl:1: date:'],
    [{ source: undefined }, 'f.jsonl:1: source:'],
    [{ shape: { layers: 16, experts: 64 } }, 'f.jsonl:1: shape.top_k:'],
    [{ wrkload: 'x' }, 'wrkload'],
  ])('%j is refused with its place', (change, place) => {
    expect(() => parse(change)).toThrow(place);
  });

  it('an id stands once, whatever the kind of row', () => {
    const twice = `${JSON.stringify(row)}\n${JSON.stringify(row)}`;
    expect(() => parseRows(twice, 'f.jsonl')).toThrow('f.jsonl:2: id: "a" stands in line 1 too');
  });
});

describe('the bundled rows', () => {
  const { hits, memory, speed } = readRows(findProfile('measurements', 'hits'));

  it('are hit rates alone, of at least 25 models, at least 20 of them with curves of three sizes', () => {
    expect([speed.length, memory.length]).toEqual([0, 0]);
    expect(new Set(hits.map(({ model }) => model)).size).toBeGreaterThanOrEqual(25);
    const curves = hits.filter(({ curve, policy }) => policy === 'lru' && curve.length >= 3);
    expect(new Set(curves.map(({ model }) => model)).size).toBeGreaterThanOrEqual(20);
  });

  it('rise with size, and Belady is never below LRU of the same source at the same size', () => {
    for (const { curve, id } of hits) {
      for (let i = 1; i < curve.length; i++) {
        expect(curve[i]![0], id).toBeGreaterThan(curve[i - 1]![0]);
        expect(curve[i]![1], id).toBeGreaterThanOrEqual(curve[i - 1]![1] - 0.001);
      }
    }
    const lru = new Map(hits.filter(({ policy }) => policy === 'lru').map((one) => [one.id.replace(/-lru$/, ''), one]));
    for (const one of hits.filter(({ policy }) => policy === 'belady')) {
      for (const [share, hit] of one.curve) {
        const other = lru.get(one.id.replace(/-belady$/, ''))?.curve.find(([size]) => size === share);
        // Read off a figure, to half a point.
        if (other !== undefined) expect(hit, `${one.id} ${share}`).toBeGreaterThan(other[1] - 0.06);
      }
    }
  });

  it('have the shape of the bundled model that they name', () => {
    for (const { id, model, shape } of hits) {
      if (!listProfiles('models').includes(model)) continue;
      const { layers, sharedExperts } = loadModel(model);
      const [widest, choices] = [Math.max(...layers.map((one) => one.experts)), Math.max(...layers.map((one) => one.topK))];
      expect([shape.experts, shape.top_k, shape.shared], id).toEqual([widest, choices, sharedExperts]);
    }
  });
});

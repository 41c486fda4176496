// The seal of a result: it survives a round trip through a file and breaks where any figure that a gate reads was touched.
import { describe, expect, it } from 'vitest';
import { toJson } from '../../src/report/json.js';
import { sampledMetric } from '../../src/result/catalogue.js';
import { CanonicalText, canonicalJson, digestOf, inText, sealed } from '../../src/result/digest.js';
import { parseResult } from '../../src/result/read.js';
import type { Result } from '../../src/result/result.js';
import { sampleResult } from './sample.js';

const result = sealed(sampleResult({ config: { cache: { policy: 'lru' }, absent: undefined } }));

function refusal(change: (raw: Result & Record<string, never>) => void): string {
  const raw = JSON.parse(toJson(result)) as Result & Record<string, never>;
  change(raw);
  try {
    parseResult(JSON.stringify(raw), 'base.json');
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

describe('digest', () => {
  it('survives the way through a file, in any order of keys', () => {
    expect(parseResult(toJson(result), 'base.json').digest).toBe(result.digest);
    expect(parseResult(JSON.stringify(Object.fromEntries(Object.entries(result).reverse())), 'base.json').digest).toBe(result.digest);
    expect(digestOf(result)).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each<[string, (raw: Record<string, Record<string, unknown>>) => void]>([
    ['two metrics of one unit that changed places', ({ metrics }) => swap(metrics!, 'time.dense', 'time.compute')],
    ['one figure', ({ metrics }) => Object.assign(metrics!['cache.evictions']!, { value: 1 })],
    ['a metric that is gone', ({ metrics }) => delete metrics!['cache.evictions']],
    ['two columns that changed places', ({ perLayer }) => swap(perLayer!, 'misses', 'late')],
    ['another seed', (raw) => Object.assign(raw, { seed: 2 })],
    ['another bound', ({ bounds }) => Object.assign(bounds!, { compulsoryMisses: 7 })],
    ['another configuration', ({ config }) => Object.assign(config!, { more: 1 })],
  ])('breaks on %s', (_, change) => {
    expect(refusal(change as never)).toBe(
      'base.json: its figures are not those that its digest was taken of; the file is damaged or was edited, run again to replace it',
    );
  });

  it('leaves what may differ between two runs alone, and is not asked of results of other tools', () => {
    expect(refusal((raw) => Object.assign(raw.environment, { wallMs: 1 }))).toBe('accepted');
    expect(refusal((raw) => Object.assign(raw, { digest: undefined }))).toBe('accepted');
  });
});

describe('samples', () => {
  it('belong to measured metrics, whose value is their median', () => {
    const measured = sampledMetric('wall.run', [3, 9, 5]);
    expect(measured).toEqual({ value: 5, unit: 'ns', better: 'lower', kind: 'sampled', samples: [3, 9, 5] });
    expect(() => sampledMetric('time.total', [1])).toThrow(/simulated/);
    const saved = { ...sampleResult(), metrics: { ...sampleResult().metrics, 'wall.run': measured } };
    expect(parseResult(JSON.stringify(saved), 'a.json').metrics['wall.run']).toEqual(measured);
    const wrong = { ...saved, metrics: { ...saved.metrics, 'wall.run': { ...measured, value: 6 } } };
    expect(() => parseResult(JSON.stringify(wrong), 'a.json')).toThrow(/metrics\.wall\.run is 6, which is not the median of its samples/);
  });
});

function swap(record: Record<string, unknown>, a: string, b: string): void {
  [record[a], record[b]] = [record[b], record[a]];
}

it('writes equal values as equal text: keys sorted, absent ones left out, parts that are text already as they are', () => {
  const value = {
    b: [1, 'x', null, [-0]],
    a: { 'é"': Number.NaN, Z: 1e21, absent: undefined },
    c: new CanonicalText('{"z":1}'),
    '\uffff': true,
  };
  expect(canonicalJson(value)).toBe('{"a":{"Z":1e+21,"é\\"":null},"b":[1,"x",null,[0]],"c":{"z":1},"\uffff":true}');
});

it('keeps the text of what it sealed: the same as without, also of a result that shares only some of its parts', () => {
  const other = sealed({ ...result, metrics: { ...result.metrics, 'cache.evictions': result.metrics['cache.misses']! } });
  expect(other.digest).not.toBe(result.digest);
  for (const one of [result, other, sampleResult(), { ...result, seed: 7, config: {} }])
    expect(canonicalJson(inText(one))).toBe(canonicalJson(one));
  expect((inText(result) as Result).metrics).toBeInstanceOf(CanonicalText);
});

// A saved result is read back whole; anything else is one line with the right exit code, never a passed gate.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { parseFailOn } from '../../src/result/budget.js';
import { metric } from '../../src/result/catalogue.js';
import { parseResult, readResult } from '../../src/result/read.js';
import type { Result } from '../../src/result/result.js';
import { sampleResult } from './sample.js';

/** The error of reading `text` as base.json. */
function refusal(text: string): UserError {
  try {
    parseResult(text, 'base.json');
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

function damaged(change: (raw: Record<string, unknown>) => void): UserError {
  const raw = JSON.parse(JSON.stringify(sampleResult())) as Record<string, unknown>;
  change(raw);
  return refusal(JSON.stringify(raw));
}

it('says of error bands of an earlier version that the run is to be saved again (3)', () => {
  const old = damaged((raw) => (raw.accuracy = { decode: { halfWidth: 0.44, rows: 30, common: 'llama.cpp' }, prefill: null }));
  expect(old).toMatchObject({ exitCode: 3 });
  expect(old.message).toBe('base.json: has error bands of an earlier version (halfWidth); run again with this version');
  const now = { decode: { low: 0.7, high: 1.4, rows: 30, machines: 12, common: 'llama.cpp' }, prefill: null };
  expect(parseResult(JSON.stringify({ ...sampleResult(), accuracy: now }), 'base.json').accuracy).toEqual(now);
});

it('reads a metric by an earlier name', () => {
  const result = sampleResult();
  const old = { ...result, metrics: { ...result.metrics, 'bound.foresight.tpot': metric('bound.found.tpot', 29.4) }, digest: undefined };
  const { metrics } = parseResult(JSON.stringify(old), 'old.json');
  expect(metrics['bound.found.tpot']?.value).toBe(29.4);
  expect(metrics).not.toHaveProperty('bound.foresight.tpot');
  expect(parseFailOn('headroom.foresight > 3%').metric).toBe('headroom.found');
});

describe('reading a result', () => {
  it('gives back what was written, with fields that a later version added', () => {
    const result = sampleResult();
    expect(parseResult(JSON.stringify(result), 'base.json')).toEqual(result);
    expect(parseResult(JSON.stringify({ ...result, later: { added: 1 } }), 'base.json')).toMatchObject({ later: { added: 1 } });
  });

  it('names the file that is not there', () => {
    expect(() => readResult('/nowhere/base.json')).toThrow(/^\/nowhere\/base\.json: there is no such file/);
  });

  it('says where JSON is cut short or broken', () => {
    const text = JSON.stringify(sampleResult(), null, 2);
    const cut = refusal(text.slice(0, 500));
    expect(cut.message).toMatch(/^base\.json:\d+:\d+: is not JSON: the file ends early/);
    expect(cut.exitCode).toBe(2);
    expect(refusal('{\n  "schema": 1\n  "x": 2 }').message).toMatch(
      /^base\.json:3:3: is not JSON: Expected ',' or '}' after property value;/,
    );
    expect(refusal('garbage\n\u0007').message).toBe(`base.json: is not JSON: Unexpected token 'g', "garbage "; run again to replace it`);
    expect(refusal('{ "schema": nope }').message).toMatch(/^base\.json: is not JSON: Unexpected token 'o'.*; run again/);
    expect(refusal('  \n').message).toMatch(/^base\.json: the file is empty/);
    expect(() => parseResult('', 'my runs/a.json')).toThrow(
      "my runs/a.json: the file is empty, expected a result as moeprof run -o 'my runs/a.json' writes it",
    );
  });

  it('tells a foreign file (2) from a result of another version (3)', () => {
    expect(refusal('{"schema":"other/1"}')).toMatchObject({ exitCode: 2 });
    expect(refusal('[1,2]').message).toMatch(/is not a moeprof result/);
    expect(damaged((raw) => (raw.schema = 'moeprof.result/2'))).toMatchObject({ exitCode: 3 });
  });

  it('L21 says of a metric that was replaced what stands for it, and is not comparable (3)', () => {
    const old = damaged((raw) => ((raw.metrics as Record<string, unknown>)['throughput.decode'] = metric('throughput.generated', 29.4)));
    expect(old).toMatchObject({ exitCode: 3 });
    expect(old.message).toMatch(/^base\.json: has throughput\.decode of an earlier moeprof; this one has speed\.decode, or .*; run again/);
  });

  it('names the field that is missing or wrong', () => {
    expect(damaged((raw) => delete raw.fingerprint).message).toMatch(/^base\.json: fingerprint: .*the file is damaged/);
    expect(damaged((raw) => ((raw.metrics as Record<string, unknown>)['cache.evictions'] = { value: 'x' })).message).toMatch(
      /^base\.json: metrics\.cache\.evictions\.value: /,
    );
  });

  it.each<[string, (result: { metrics: Record<string, unknown> } & Omit<Result, 'metrics'>) => void, RegExp]>([
    [
      'metrics under each other’s names',
      ({ metrics }) => swap(metrics, 'cache.hit_rate', 'latency.tpot.p50'),
      /cache\.hit_rate is given in ns/,
    ],
    [
      'rates that do not add up',
      ({ metrics }) => swap(metrics, 'cache.hit_rate', 'share.stall'),
      /cache\.hit_rate is given in ratio, better lower/,
    ],
    [
      'percentiles out of order',
      ({ metrics }) => swap(metrics, 'latency.itl.p50', 'latency.itl.p99'),
      /percentiles of metrics\.latency\.itl/,
    ],
    ['rates of different phases', ({ metrics }) => swap(metrics, 'cache.miss_rate', 'cache.miss_rate.prefill'), /add up to 1\.1.*, not 1/],
    ['a layer short', ({ perLayer }) => (perLayer.hits as number[]).pop(), /perLayer\.hits has 47 layers/],
  ])('refuses %s', (_, change, message) => {
    const error = damaged((raw) => change(raw as unknown as Parameters<typeof change>[0]));
    expect(error.message).toMatch(message);
    expect(error.exitCode).toBe(2);
  });
});

describe('details of a result', () => {
  it.each<[string, Parameters<typeof details>[0], RegExp]>([
    [
      'causes of other experts',
      { byExpert: [[1, 2], [3]] },
      /details\.causes of "on demand" have other layers or experts than details\.loads/,
    ],
    ['causes that lack a layer', { otherStallNs: [0] }, /lists of details\.causes differ in length/],
    ['a series with a bin too few', { late: [] }, /lists of details\.series differ in length/],
    ['a curve with a rate too many', { lru: [0.5, 1] }, /lists of details\.capacity differ in length/],
  ])('are refused for %s', (_, other, message) => {
    const read = (more: Parameters<typeof details>[0]) =>
      parseResult(JSON.stringify({ ...sampleResult(), details: details(more) }), 'a.json');
    expect(read({}).details).toBeDefined();
    expect(() => read(other)).toThrow(message);
  });
});

/** Details of two layers of two experts, with one of their lists replaced. */
function details({
  byExpert = [
    [1, 2],
    [3, 4],
  ],
  late = [0],
  lru = [0.5],
  otherStallNs = [0, 0],
}): unknown {
  const causes = { stallNs: [{ tier: 'dram', cause: 'on demand', byExpert }], otherStallNs, bytes: [] };
  const series = {
    binNs: 1,
    hits: [0],
    late,
    misses: [0],
    stallNs: [0],
    links: [{ name: 'h2d', lanes: 1, demandNs: [0], prefetchNs: [0] }],
  };
  return {
    loads: [
      [1, 0],
      [0, 1],
    ],
    latency: {},
    series,
    capacity: { bytes: [1], lru, belady: [1] },
    causes,
  };
}

function swap(record: Record<string, unknown>, a: string, b: string): void {
  [record[a], record[b]] = [record[b], record[a]];
}

it.skipIf(process.platform === 'win32')('a line to copy quotes the path', () => {
  expect(() => parseResult('', 'my runs/a.json')).toThrow(
    "my runs/a.json: the file is empty, expected a result as moeprof run -o 'my runs/a.json' writes it",
  );
});

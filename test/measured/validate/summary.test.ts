// Errors, their statistics and their bands, by hand.
import { describe, expect, it } from 'vitest';
import { bandOf, type ScoredError } from '../../../src/engine/outcome/band.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { statisticsOf, validationOf } from '../../../src/measured/validate/summary.js';
import { measurement } from './rows.js';

const pair = (measured: number, predicted: number, band: number | null = null) => ({
  measured,
  predicted,
  error: predicted / measured - 1,
  band: band === null ? null : { halfWidth: band, rows: 8, common: 'all' },
});

describe('statistics', () => {
  it('are of the size of errors, the bias with its sign', () => {
    // Errors -50 %, -10 %, +20 %, +100 %, +0 %: sizes 0, 10, 20, 50, 100; the 90th percentile lies .6 of the way from 50 to 100.
    const rows = [pair(10, 5), pair(10, 9), pair(10, 12), pair(10, 20), pair(10, 10)];
    const { bias, coverage, factor, median, n, p90 } = statisticsOf(rows)!;
    expect([n, coverage]).toEqual([5, null]);
    expect(median).toBeCloseTo(0.2);
    expect(p90).toBeCloseTo(0.8);
    expect(bias).toBeCloseTo(0);
    // Factors 2, 1.11, 1.2, 2, 1.
    expect(factor).toBeCloseTo(1.2);
  });

  it('count who lies within its band, of those that have one', () => {
    expect(statisticsOf([pair(10, 12, 0.25), pair(10, 8, 0.25), pair(10, 13, 0.25), pair(10, 30)])!.coverage).toBeCloseTo(2 / 3);
  });

  it('have no factor where half of the predictions are 0', () => {
    expect(statisticsOf([pair(0.5, 0)])!.factor).toBeNull();
    expect(statisticsOf([pair(0.5, 0), pair(0.5, 0.4), pair(0.5, 0.5)])!.factor).toBeCloseTo(1.25);
  });

  it('of nothing are none', () => {
    expect(statisticsOf([])).toBeNull();
  });
});

describe('a band', () => {
  const kind = { metric: 'decode', runtime: 'a', format: 'k', placement: 'cpu-layers' };
  const errors = (count: number, error: number, over: Partial<ScoredError> = {}): ScoredError[] =>
    Array.from({ length: count }, () => ({ ...kind, error, ...over }));

  it('holds 80 % of comparable errors', () => {
    // Sizes 1 .. 11 %: rank .8 x 10 = 8, the ninth.
    const eleven = Array.from({ length: 11 }, (_, i) => ({ ...kind, error: ((i % 2 === 0 ? 1 : -1) * (i + 1)) / 100 }));
    expect(bandOf(kind, eleven)).toEqual({ halfWidth: expect.closeTo(0.09), rows: 11, common: 'a, k, cpu-layers' });
  });

  it('takes the nearest circle that has eight rows', () => {
    const few = [...errors(7, 0.1), ...errors(1, 0.5, { format: 'ik' })];
    expect(bandOf(kind, few)).toMatchObject({ rows: 8, common: 'a, cpu-layers' });
    const others = [...errors(3, 0.1, { placement: 'all-gpu' }), ...errors(9, 0.3, { runtime: 'b' })];
    expect(bandOf(kind, others)).toMatchObject({ halfWidth: 0.3, rows: 9, common: 'cpu-layers' });
    expect(bandOf(kind, errors(2, 0.4, { runtime: 'b', placement: 'all-gpu' }))).toMatchObject({ halfWidth: 0.4, rows: 2, common: 'all' });
  });

  it('is that of machines that no constant has seen, where eight rows of the runtime are', () => {
    const seen = errors(50, 0.01);
    const of = (count: number, over: Partial<ScoredError>) => bandOf(kind, [...seen, ...errors(count, 0.4, { unseen: true, ...over })]);
    expect(of(8, { format: 'fp' })).toEqual({ halfWidth: 0.4, rows: 8, common: 'a, cpu-layers' });
    expect(of(8, { placement: 'all-gpu' })).toEqual({ halfWidth: 0.4, rows: 8, common: 'a' });
    expect(of(7, { format: 'fp' })).toEqual({ halfWidth: 0.01, rows: 50, common: 'a, k, cpu-layers' });
    expect(of(8, { runtime: 'b' })).toEqual({ halfWidth: 0.01, rows: 50, common: 'a, k, cpu-layers' });
  });

  it('of a stream from a disk is that of unseen machines with one', () => {
    const disk = { ...kind, placement: 'ssd-stream' };
    const unseen = { unseen: true, runtime: 'b', placement: 'ssd-stream' };
    expect(bandOf(disk, [...errors(9, 0.1), ...errors(8, 0.7, unseen)])).toEqual({ halfWidth: 0.7, rows: 8, common: 'ssd-stream' });
  });

  it('says nothing of another metric', () => {
    expect(bandOf(kind, errors(20, 0.1, { metric: 'prefill' }))).toBeNull();
  });
});

describe('a validation', () => {
  const rows = [
    measurement({ id: 'a', measured: { tg_tps: 10, pp_tps: 100 } }),
    measurement({ id: 'b', measured: { tg_tps: 20 }, scorable: { tg: false, pp: false } }),
    measurement({ id: 'c', measured: { tg_tps: 30 }, machine: { ...measurement().machine, name: 'other' } }),
    measurement({ id: 'd', measured: { tg_tps: 40 } }),
  ];
  const predictions = [
    { figures: { decode: 12, prefill: 50 }, lacks: null },
    { figures: { decode: 20 }, lacks: null },
    { figures: { decode: 27 }, lacks: null },
    { figures: {}, lacks: 'nothing says how large its cache is' },
  ];
  const validation = validationOf(['rows.jsonl'], rows, predictions, new Map([['llama.cpp', loadRuntime('llama.cpp')]]));

  it('has a row for each figure, with its error and why it is not scored', () => {
    expect(
      validation.rows.map(({ error, id, metric, predicted, reason, scored }) => [id, metric, predicted, error, scored, reason]),
    ).toEqual([
      ['a', 'decode', 12, expect.closeTo(0.2), true, null],
      ['a', 'prefill', 50, -0.5, true, null],
      ['b', 'decode', 20, 0, false, 'the specification does not suffice'],
      ['c', 'decode', 27, expect.closeTo(-0.1), true, null],
      ['d', 'decode', null, null, false, 'nothing says how large its cache is'],
    ]);
    expect(validation.rows[0]!.family).toBe('llama.cpp / fp / cpu-layers');
  });

  it('takes bands from other machines only', () => {
    // The row of `box` is compared with that of `other`, and the other way round.
    expect(validation.rows.map(({ band }) => band?.halfWidth ?? null)).toEqual([
      expect.closeTo(0.1),
      null,
      null,
      expect.closeTo(0.2),
      null,
    ]);
    // |+20 %| is beyond 10 %, |-10 %| within 20 %.
    expect(validation.summary.decode).toMatchObject({ n: 2, coverage: 0.5 });
  });

  it('sums up by metric, placement and family, scored rows alone', () => {
    expect(validation.summary.decode!.median).toBeCloseTo(0.15);
    expect(validation.summary.prefill).toMatchObject({ n: 1, median: 0.5, coverage: null });
    expect(validation.summary.hit_rate).toBeNull();
    expect(validation.families.map(({ family, machines, metric, n }) => [family, metric, n, machines])).toEqual([
      ['llama.cpp / fp / cpu-layers', 'decode', 2, 2],
      ['llama.cpp / fp / cpu-layers', 'prefill', 1, 1],
    ]);
    expect(validation.placements.map(({ family, n }) => [family, n])).toEqual([
      ['cpu-layers', 2],
      ['cpu-layers', 1],
    ]);
  });

  it('names the fitted constants of the runtimes that ran', () => {
    expect(validation.fitted).toEqual([{ runtime: 'llama.cpp', ...loadRuntime('llama.cpp').fitted }]);
  });
});

// Errors, their statistics and their bands, by hand.
import { describe, expect, it } from 'vitest';
import { bandOf, type ScoredError } from '../../../src/engine/outcome/band.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { statisticsOf, validationOf } from '../../../src/measured/validate/summary.js';
import { measurement } from './rows.js';

const pair = (measured: number, predicted: number, band: readonly [number, number] | null = null, vote = `${measured}/${predicted}`) => ({
  vote,
  measured,
  predicted,
  error: predicted / measured - 1,
  band: band === null ? null : { low: band[0], high: band[1], rows: 8, machines: 8, common: 'all' },
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
    // 10 for 12 is .83 times it, 10 for 8 is 1.25 times, 10 for 13 is .77 times.
    const band = [0.8, 1.3] as const;
    expect(statisticsOf([pair(10, 12, band), pair(10, 8, band), pair(10, 13, band), pair(10, 30)])!.coverage).toBeCloseTo(2 / 3);
  });

  it('count a measurement on the end of a band as within, whatever rounding took from the end', () => {
    // 6 for 7 is .857142857142857 times it; a band of twelve digits starts a little above.
    const rows = [pair(6, 7, [Number((6 / 7).toPrecision(12)) + 1e-12, 1]), pair(7, 7, [0.8, 1 - 1e-12]), pair(7, 7, [0.8, 1 - 1e-6], 'b')];
    expect(statisticsOf(rows)!.coverage).toBeCloseTo(2 / 3);
  });

  it('give each machine one vote', () => {
    // Errors 0, 0, 0 of one machine and 50 % of another: the last 0 stands at (2/3) / (2 - 1/3) = .4, the 50 % at 1; half is a sixth of the way.
    const band = [0.8, 1.3] as const;
    const rows = [...[1, 2, 3].map((speed) => pair(speed, speed, band, 'a')), pair(10, 15, band, 'b')];
    expect(statisticsOf(rows)).toMatchObject({ n: 4, machines: 2, median: expect.closeTo(0.5 / 6), coverage: expect.closeTo(0.5) });
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
  let next = 0;
  /** Errors of so many machines. */
  const errors = (count: number, error: number, over: Partial<ScoredError> = {}): ScoredError[] =>
    Array.from({ length: count }, () => ({ ...kind, error, vote: `m${next++}`, ...over }));
  /** The band of equal errors. */
  const only = (error: number) =>
    error > 0 ? { low: expect.closeTo(1 / (1 + error)), high: 1 } : { low: 1, high: expect.closeTo(1 / (1 + error)) };

  it('holds 80 % of comparable measurements, in logarithms', () => {
    // Errors +1, -2, +3 .. -10, +11 %: places k / 12, so 10 % lies a fifth of the way from the first to the second.
    const eleven = Array.from({ length: 11 }, (_, i) => ({ ...kind, error: ((i % 2 === 0 ? 1 : -1) * (i + 1)) / 100, vote: `m${i}` }));
    const [low, high] = [1 / (1.11 ** 0.8 * 1.09 ** 0.2), 1 / (0.9 ** 0.8 * 0.92 ** 0.2)];
    const common = { rows: 11, machines: 11, common: 'a, k, cpu-layers' };
    expect(bandOf(kind, eleven)).toEqual({ low: expect.closeTo(low, 9), high: expect.closeTo(high, 9), ...common });
  });

  it('has the predicted speed within it, and an end where nothing is predicted', () => {
    expect(bandOf(kind, errors(8, 0.25))).toMatchObject({ low: expect.closeTo(0.8), high: 1 });
    expect(bandOf(kind, errors(8, -0.2))).toMatchObject({ low: 1, high: expect.closeTo(1.25) });
    expect(bandOf(kind, errors(8, -1))).toMatchObject({ low: 1, high: expect.closeTo(1000) });
  });

  it('gives a machine one vote, whatever its rows are', () => {
    // 20 rows of one machine are off by +300 %, each of eight others by -20 %: of 9 votes the ninth stands near .9, and 20 more rows move nothing.
    const one = (count: number) => errors(count, 3, { vote: 'one' });
    const eight = errors(8, -0.2);
    expect(bandOf(kind, [...one(20), ...eight])!.low).toBeCloseTo(bandOf(kind, [...one(40), ...eight])!.low, 1);
    expect(bandOf(kind, [...one(20), ...eight])).toMatchObject({ rows: 28, machines: 9, high: expect.closeTo(1.25) });
    // A circle of few machines is none.
    expect(bandOf(kind, [...one(20), ...errors(7, 0.1, { format: 'ik' })])!.common).toBe('a, cpu-layers');
  });

  it('takes the nearest circle that has eight machines, or sixteen of other runtimes', () => {
    const few = [...errors(7, 0.1), ...errors(1, 0.5, { format: 'ik' })];
    expect(bandOf(kind, few)).toMatchObject({ rows: 8, common: 'a, cpu-layers' });
    const others = (count: number) => [...errors(3, 0.1, { placement: 'all-gpu' }), ...errors(count, 0.3, { runtime: 'b' })];
    expect(bandOf(kind, others(16))).toMatchObject({ ...only(0.3), rows: 16, common: 'cpu-layers' });
    expect(bandOf(kind, others(15))).toMatchObject({ rows: 18, common: 'all' });
    expect(bandOf(kind, errors(2, 0.4, { runtime: 'b', placement: 'all-gpu' }))).toMatchObject({ ...only(0.4), rows: 2, common: 'all' });
  });

  it('of a stream from a disk is that of others with one, of any runtime', () => {
    const disk = { ...kind, placement: 'ssd-stream' };
    const streams = errors(16, 0.7, { runtime: 'b', placement: 'ssd-stream' });
    expect(bandOf(disk, [...errors(9, 0.1), ...streams])).toMatchObject({ ...only(0.7), rows: 16, common: 'ssd-stream' });
  });

  it('says nothing of another metric', () => {
    expect(bandOf(kind, errors(20, 0.1, { metric: 'prefill' }))).toBeNull();
  });
});

describe('a validation', () => {
  const rows = [
    measurement({ id: 'a', measured: { tg_tps: 10, pp_tps: 100 } }),
    measurement({ id: 'b', measured: { tg_tps: 20 }, scorable: { tg: false, pp: false } }),
    measurement({ id: 'c', measured: { tg_tps: 30 }, machine: { ...measurement().machine, name: 'other', ram: { type: 'ddr4' } } }),
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
    const bands = validation.rows.map(({ band }) => (band === null ? null : [band.low, band.high]));
    expect(bands).toEqual([[1, expect.closeTo(30 / 27)], null, null, [expect.closeTo(10 / 12), 1], null]);
    // 10 for 12 is below 1, 30 for 27 above it.
    expect(validation.summary.decode).toMatchObject({ n: 2, machines: 2, coverage: 0 });
  });

  it('counts machines of equal parts as one', () => {
    const same = rows.map((row) => ({ ...row, machine: { ...row.machine, ram: measurement().machine.ram } }));
    const { rows: judged, summary } = validationOf(['rows.jsonl'], same, predictions, new Map([['llama.cpp', loadRuntime('llama.cpp')]]));
    expect([judged.map(({ vote }) => vote), summary.decode!.machines]).toEqual([Array(5).fill('box'), 1]);
    expect(judged.every(({ band }) => band === null)).toBe(true);
  });

  it('sums up by metric, placement and family, scored rows alone', () => {
    expect(validation.summary.decode!.median).toBeCloseTo(0.15);
    expect(validation.summary.prefill).toMatchObject({ n: 1, median: 0.5, coverage: null });
    expect(validation.summary.hit_rate).toBeNull();
    expect(validation.families.map(({ family, machines, metric, n }) => [family, metric, n, machines])).toEqual([
      ['llama.cpp / fp / cpu-layers', 'decode', 2, 2],
      ['llama.cpp / fp / cpu-layers', 'prefill', 1, 1],
    ]);
    expect(validation.kinds.map(({ family, metric, n }) => [family, metric, n])).toEqual([
      ['desktop', 'decode', 2],
      ['desktop', 'prefill', 1],
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

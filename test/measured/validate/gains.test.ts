// Gains of one row over another, by hand; and the rows that ship for it.
import { expect, it } from 'vitest';
import { findProfile } from '../../../src/base/profiles.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { readMeasurements } from '../../../src/measured/validate/rows/measurement.js';
import { validationOf } from '../../../src/measured/validate/summary.js';
import { measurement } from './rows.js';

const runtimes = new Map([['llama.cpp', loadRuntime('llama.cpp')]]);

/** Gains of a series with these speeds; of null nothing is predicted. */
function gains(measured: readonly number[], predicted: readonly (number | null)[]) {
  const rows = measured.map((tg_tps, i) =>
    measurement({ id: `r${i}`, measured: { tg_tps }, scorable: { tg: false, pair: true }, series: { id: 's', vary: 'placement' } }),
  );
  const predictions = predicted.map((decode) =>
    decode === null ? { figures: {}, lacks: 'no shape' } : { figures: { decode }, lacks: null },
  );
  return validationOf(['a'], rows, predictions, runtimes);
}

it('are right where the sign is, and the factor within 25 %', () => {
  // 1.5 measured: 1.25 of 1.5 is 1.875, a fifth less is 1.2.
  const of = (to: number) => gains([10, 15], [20, to]).gains[0]!;
  expect(of(37.4)).toEqual({
    ...{ series: 's', from: 'r0', to: 'r1', metric: 'decode', measured: 1.5, predicted: expect.closeTo(1.87) },
    ...{ sign: true, right: true, reason: null, unseen: false },
  });
  expect(of(37.6)).toMatchObject({ sign: true, right: false });
  expect(of(24.1)).toMatchObject({ sign: true, right: true });
  expect(of(23.9)).toMatchObject({ sign: true, right: false });
  expect(of(18)).toMatchObject({ sign: false, right: false });
});

it('below 2 % have no sign', () => {
  expect(gains([10, 10.1], [20, 20.2]).gains[0]).toMatchObject({ sign: true, right: true });
  expect(gains([10, 10.1], [20, 21]).gains[0]).toMatchObject({ sign: false });
  expect(gains([10, 12], [20, 20]).gains[0]).toMatchObject({ sign: false });
});

it('go from row to row, and are unknown where one is not predicted', () => {
  const { gains: two, rows, summary } = gains([10, 15, 30], [20, 30, null]);
  expect(two.map(({ from, predicted, right, to }) => [from, to, predicted, right])).toEqual([
    ['r0', 'r1', 1.5, true],
    ['r1', 'r2', null, null],
  ]);
  expect(two[1]!.reason).toContain('no shape');
  expect([rows[0]!.reason, summary.decode]).toEqual(['its gain over another row is judged, not its speed', null]);
});

it('ship with rows of which each has another in its series', () => {
  const rows = readMeasurements(findProfile('measurements', 'offload'));
  const series = new Map<string, number>();
  for (const { scorable, series: own } of rows) {
    expect([scorable?.pair, scorable?.tg]).toEqual([true, false]);
    series.set(own!.id, (series.get(own!.id) ?? 0) + 1);
  }
  expect([...series.values()].every((count) => count > 1)).toBe(true);
});

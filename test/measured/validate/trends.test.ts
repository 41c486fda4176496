// Trends along series, by hand: lines through times of tokens, and their ratios with one vote a machine.
import { describe, expect, it } from 'vitest';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import type { Measurement } from '../../../src/measured/validate/rows/measurement.js';
import { validationOf } from '../../../src/measured/validate/summary.js';
import { lineThrough } from '../../../src/measured/validate/trends.js';
import { measurement } from './rows.js';

const runtimes = new Map([['llama.cpp', loadRuntime('llama.cpp')]]);

/** Rows of a series over layers on the CPU, which take `base + layers x each` ms a token. */
function series(
  id: string,
  machine: string,
  [base, each]: readonly [number, number],
  over: Readonly<Record<string, unknown>> = {},
): Measurement[] {
  return [0, 10, 20].map((layers) =>
    measurement({
      id: `${id}-${layers}`,
      machine: { ...measurement().machine, name: machine, cpu: { name: machine } },
      placement: { kind: 'cpu-layers', cpu_moe_layers: layers },
      measured: { tg_tps: 1000 / (base + layers * each) },
      series: { id, vary: 'cpu_moe_layers' },
      ...over,
    }),
  );
}

/** Predictions of rows that take `base + layers x each` ms a token. */
function predicted(rows: readonly Measurement[], [base, each]: readonly [number, number]) {
  return rows.map(({ placement }) => ({ figures: { decode: 1000 / (base + placement.cpu_moe_layers! * each) }, lacks: null }));
}

it('a line has the least squares', () => {
  // Means 2 and 4; slope (1 x 2 + 1 x 1) / 2 = 1.5 by (-1, -2), (0, 1), (1, 1).
  const { intercept, slope } = lineThrough([
    [1, 2],
    [2, 5],
    [3, 5],
  ]);
  expect([slope, intercept]).toEqual([expect.closeTo(1.5), expect.closeTo(1)]);
});

describe('a series over layers on the CPU', () => {
  it('has the slope and intercept of its times', () => {
    const rows = series('s', 'box', [10, 1]);
    const { trends, trendErrors } = validationOf(['a'], rows, predicted(rows, [5, 2]), runtimes);
    expect(trends).toEqual([
      {
        ...{ series: 's', vary: 'cpu_moe_layers', metric: 'decode', vote: 'box', rows: 3 },
        measured: { intercept: expect.closeTo(0.01), slope: expect.closeTo(0.001) },
        predicted: { intercept: expect.closeTo(0.005), slope: expect.closeTo(0.002) },
      },
    ]);
    const common = { vary: 'cpu_moe_layers', metric: 'decode', series: 1, machines: 1, reversed: 0, size: expect.closeTo(Math.log(2)) };
    expect(trendErrors).toEqual([
      { ...common, of: 'slope', ratio: expect.closeTo(2) },
      { ...common, of: 'intercept', ratio: expect.closeTo(0.5) },
    ]);
  });

  it('shares the vote of its machine, and a slope of the wrong sign is counted apart', () => {
    // Slopes 2, 2, 2 of one machine and 8 of another: the votes lie at 2, 2, 2, 8, and half of the others' votes below 8 is between the last 2 and 8:
    // the last 2 stands at (2/3) / (2 - 1/3) = .4, the 8 at 1; so 2 + 6 x .1 / .6 = 3. Size (log 2 + log 8) / 2.
    const one = ['a', 'b', 'c'].flatMap((id) => series(id, 'box', [10, 1]));
    const other = series('d', 'tower', [10, 1]);
    const wrong = series('e', 'third', [10, 1]);
    const rows = [...one, ...other, ...wrong];
    const all = [...predicted(one, [10, 2]), ...predicted(other, [10, 8]), ...predicted(wrong, [50, -1])];
    const [slope] = validationOf(['a'], rows, all, runtimes).trendErrors;
    const size = expect.closeTo((Math.log(2) + Math.log(8)) / 2);
    expect(slope).toMatchObject({ series: 5, machines: 3, reversed: 1, ratio: expect.closeTo(3), size });
  });

  it('leaves out rows that are not scored, and needs two values', () => {
    const rows = series('s', 'box', [10, 1]).map((row, i) => (i === 0 ? row : { ...row, pathology: 'paging', scorable: { tg: false } }));
    expect(validationOf(['a'], rows, predicted(rows, [5, 2]), runtimes).trends).toEqual([]);
  });
});

it('a series over ubatch is a line of logarithms', () => {
  const rows = [512, 2048].map((ubatch) =>
    measurement({
      id: `u${ubatch}`,
      run: { ubatch, pp_tokens: ubatch },
      measured: { pp_tps: ubatch },
      series: { id: 'u', vary: 'ubatch' },
    }),
  );
  // Twice the ubatch: measured twice the speed, predicted the square root of that.
  const predictions = rows.map(({ run }) => ({ figures: { prefill: Math.sqrt(run.ubatch!) }, lacks: null }));
  const { trendErrors } = validationOf(['a'], rows, predictions, runtimes);
  expect(trendErrors).toEqual([
    {
      vary: 'ubatch',
      metric: 'prefill',
      of: 'slope',
      series: 1,
      machines: 1,
      reversed: 0,
      ratio: expect.closeTo(0.5),
      size: expect.closeTo(Math.log(2)),
    },
  ]);
});

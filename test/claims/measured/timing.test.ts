// What one timing teaches of a machine, and two: of every machine of the bundled measurements with several rows, each row in turn is the timing
// that is given, and predicts the others; one vote a machine. MOEPROF_UPDATE=1 writes the table of docs/accuracy.md.
// Predictions go along straight lines in logarithms, from the constants of all machines.
import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { groupedBy } from '../../../src/base/objects.js';
import { findProfile, listProfiles } from '../../../src/base/profiles.js';
import { bandFor } from '../../../src/engine/outcome/comparable.js';
import { KNOBS, turnedBy } from '../../../src/hardware/knobs.js';
import { learnedWidth, NUDGE } from '../../../src/hardware/learned.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { fitKnobs, RIDGE, SURENESS } from '../../../src/measured/machine/calibration.js';
import { covarianceOf, residualAt, type Sensitivity, sensitivityOf } from '../../../src/measured/validate/fit.js';
import { predictRowVariants } from '../../../src/measured/validate/predict-all.js';
import { type Measurement, readRows } from '../../../src/measured/validate/rows/measurement.js';
import { figuresOf, formatKin, runtimeOf } from '../../../src/measured/validate/rows/specify.js';
import { expectShown } from '../../support/shown.js';

type Metric = 'decode' | 'prefill';

/** A speed of a row: how far off it is, and how it goes with the knobs. */
interface Figure extends Sensitivity {
  readonly metric: Metric;
  /** Half the width of the band without a timing. */
  readonly band: number;
}

const NONE = KNOBS.map(() => 0);
const speedsOf = (row: Measurement) => figuresOf(row).filter(({ metric, unscored }) => unscored === null && metric !== 'hit_rate');

/** Rows of one machine that are looked at, at most: it has one vote whatever their number. */
const MOST = 6;

/** So many of a list at most, evenly spread over it. */
function spread<T>(list: readonly T[]): T[] {
  const count = Math.min(MOST, list.length);
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]!);
}

/** Figures of the rows of each machine with several. */
async function figuresByMachine(): Promise<Map<string, Figure[][]>> {
  const all = ['open', 'unified', 'second'].flatMap((name) => readRows(findProfile('measurements', name)).speed);
  const machines = groupedBy(
    all.filter((row) => speedsOf(row).length > 0),
    ({ machine }) => machine.name,
  );
  const rows = [...machines.values()].filter(({ length }) => length > 1).flatMap(spread);
  const usual = new Map(listProfiles('runtimes').map((name) => [name, loadRuntime(name)]));
  const variants = [NONE, ...NONE.map((_, k) => NONE.map((_, i) => (i === k ? NUDGE : 0)))].map(
    (steps) => new Map([...usual].map(([name, runtime]) => [name, turnedBy(runtime, steps)])),
  );
  const predictions = await predictRowVariants(rows, variants, availableParallelism(), {});
  const figures = rows.map((row, i) =>
    speedsOf(row).flatMap(({ measured, metric }): Figure[] => {
      const [here, ...moved] = predictions[i]!.map((one) => one.figures[metric]);
      if (!(here! > 0)) return [];
      const kind = { metric, runtime: runtimeOf(row), format: formatKin(row.model), placement: row.placement.kind };
      const usualBand = bandFor(kind);
      const band = usualBand === null ? Number.NaN : Math.sqrt(usualBand.high / usualBand.low) - 1;
      return [{ metric: metric as Metric, band, ...sensitivityOf(measured, here!, moved as number[], NUDGE) }];
    }),
  );
  const indexed = rows.map((row, i) => ({ machine: row.machine.name, own: figures[i]! })).filter(({ own }) => own.length > 0);
  const grouped = [...groupedBy(indexed, ({ machine }) => machine)].map(([name, own]) => [name, own.map((one) => one.own)] as const);
  return new Map(grouped.filter(([, own]) => own.length > 1));
}

/** A prediction of a figure that did not teach: size of its error before and after, and its band. */
interface Judged {
  readonly before: number;
  readonly after: number;
  readonly width: number;
  readonly wide: number;
}

/** Figures of one machine that so many rows predict: every choice of them is a timing in turn, of two rows with their next. */
function judged(rows: readonly (readonly Figure[])[], teachers: number, metric: Metric): Judged[] {
  return rows.flatMap((_, first) => {
    const taught = Array.from({ length: teachers }, (_, i) => (first + i) % rows.length);
    const given = taught.flatMap((row) => rows[row]!);
    const steps = fitKnobs(given, NONE);
    const covariance = covarianceOf(given, RIDGE, SURENESS);
    return rows.flatMap((row, r) =>
      (taught.includes(r) ? [] : row.filter((figure) => figure.metric === metric)).map((figure): Judged => {
        const moved = figure.slopes.map((slope) => Math.exp(slope * NUDGE));
        return {
          before: Math.abs(Math.exp(figure.residual) - 1),
          after: Math.abs(Math.exp(residualAt(figure, steps)) - 1),
          width: learnedWidth({ covariance }, metric, 1, moved),
          wide: figure.band,
        };
      }),
    );
  });
}

/** A quantile where every machine has one vote. */
function quantile(machines: readonly (readonly number[])[], share: number): number {
  const votes = machines.flatMap((own) => own.map((value) => ({ value, weight: 1 / own.length }))).sort((a, b) => a.value - b.value);
  let left = share * votes.reduce((sum, { weight }) => sum + weight, 0);
  for (const { value, weight } of votes) {
    left -= weight;
    if (left <= 1e-9) return value;
  }
  return votes.at(-1)!.value;
}

/** What so many timings reach. */
function reached(byMachine: ReadonlyMap<string, readonly (readonly Figure[])[]>, teachers: number, metric: Metric) {
  const machines = [...byMachine.values()]
    .map((rows) => (rows.length > teachers ? judged(rows, teachers, metric) : []))
    .filter((own) => own.length > 0);
  const of = (field: keyof Judged): number[][] =>
    machines.map((own) => own.map((one) => one[field]).filter((value) => !Number.isNaN(value)));
  const held = machines.map((own) => own.filter(({ after, width }) => after <= width).length / own.length);
  return {
    machines: machines.length,
    before: quantile(of('before'), 0.5),
    median: quantile(of('after'), 0.5),
    p90: quantile(of('after'), 0.9),
    held: held.reduce((sum, one) => sum + one, 0) / held.length,
    width: quantile(of('width'), 0.5),
    wide: quantile(of('wide'), 0.5),
  };
}

it('one timing of a machine makes its predictions surer, two more so', { timeout: 1_800_000 }, async () => {
  const byMachine = await figuresByMachine();
  const cases = [1, 2].flatMap((teachers) =>
    (['decode', 'prefill'] as const).map((metric) => ({ teachers, metric, ...reached(byMachine, teachers, metric) })),
  );
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
  const text = [
    '| timings | speed | machines | error without | error | p90 | in band | band | band without |',
    '| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...cases.map(
      ({ before, held, machines, median, metric, p90, teachers, wide, width }) =>
        `| ${teachers} | ${metric} | ${machines} | ${percent(before)} | ${percent(median)} | ${percent(p90)} | ${percent(held)} | ± ${percent(width)} | ± ${percent(wide)} |`,
    ),
  ].join('\n');
  const test = 'test/claims/measured/timing.test.ts';
  expectShown('docs/accuracy.md', [`<!-- timings: written by ${test} -->\n`, '<!-- end of timings -->'], `\n${text}\n\n`, test);
  const [decode, prefill, decodeByTwo, prefillByTwo] = cases as [
    (typeof cases)[0],
    (typeof cases)[0],
    (typeof cases)[0],
    (typeof cases)[0],
  ];
  expect(decode.median).toBeLessThan(0.11);
  expect(decode.median).toBeLessThan(0.65 * decode.before);
  expect(decodeByTwo.median).toBeLessThan(0.08);
  expect(prefill.median).toBeLessThan(0.2);
  expect(prefillByTwo.median).toBeLessThan(0.19);
  for (const { held, wide, width } of cases) {
    expect(held).toBeGreaterThan(0.68);
    expect(held).toBeLessThan(0.9);
    expect(width).toBeLessThan(0.7 * wide);
  }
});

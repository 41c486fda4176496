// Chips with one memory (Strix Halo, DGX Spark, Apple silicon): of the published figures of llama.cpp on them that are shipped, 80 % lie within the band
// that others' machines give, which is what a band promises.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { beforeAll, expect, it } from 'vitest';
import { bundledFile, findProfile, listProfiles } from '../../../src/base/profiles.js';
import { bandOf } from '../../../src/engine/outcome/band.js';
import type { AccuracyFile } from '../../../src/engine/outcome/comparable.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { predictRowVariants } from '../../../src/measured/validate/predict-all.js';
import { votesOf } from '../../../src/measured/validate/rows/machines.js';
import { readRows } from '../../../src/measured/validate/rows/measurement.js';
import { validationOf } from '../../../src/measured/validate/summary.js';

const CHIPS = /^(radeon-8060s|gb10|apple-m\d)/;

/** A figure within its band, by metric. */
let within: { readonly metric: string; readonly machine: string; readonly inside: boolean }[];

beforeAll(async () => {
  const runtimes = new Map(listProfiles('runtimes').map((name) => [name, loadRuntime(name)]));
  const all = listProfiles('measurements').flatMap((name) => readRows(findProfile('measurements', name)).speed);
  const votes = votesOf(all.map(({ machine }) => machine));
  const rows = all.filter(({ engine, machine }) => engine.startsWith('llama.cpp') && CHIPS.test(machine.gpus[0]?.name ?? ''));
  const predictions = (await predictRowVariants(rows, [runtimes], availableParallelism(), {})).map(([first]) => first!);
  // By constants that were fitted without each machine, as runs take them.
  const errors = (JSON.parse(readFileSync(bundledFile('accuracy.json'), 'utf8')) as AccuracyFile).map(
    ([metric, runtime, format, placement, error, vote]) => ({ metric, runtime, format, placement, error, vote }),
  );
  within = validationOf([], rows, predictions, runtimes).rows.flatMap((row) => {
    const { error, machine, metric, scored } = row;
    if (!scored || error === null) return [];
    const band = bandOf(
      row,
      errors.filter(({ vote }) => vote !== votes.get(machine)),
    )!;
    return [{ metric, machine, inside: band.low * (1 + error) <= 1 && 1 <= band.high * (1 + error) }];
  });
}, 600_000);

it.each(['decode', 'prefill'])('of %s lie within it', (metric) => {
  const own = within.filter((figure) => figure.metric === metric);
  expect(own.length).toBeGreaterThanOrEqual(30);
  expect(own.filter(({ inside }) => inside).length / own.length).toBeGreaterThanOrEqual(0.8);
});

it('of both together lie within it, on each of the three kinds of chips', () => {
  const share = (kind: RegExp): number => {
    const own = within.filter(({ machine }) => kind.test(machine));
    return own.filter(({ inside }) => inside).length / own.length;
  };
  expect(share(/./)).toBeGreaterThanOrEqual(0.8);
  expect(share(/dgx/)).toBeGreaterThanOrEqual(0.8);
});

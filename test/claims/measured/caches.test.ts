// Expert caches over the same line without one, by series: profiles/measurements/expert-cache.jsonl. Constants are those without the machine of the
// row: no other constant was fitted on these rows, and what the wait for the ids takes is left to the other machines. MOEPROF_UPDATE=1 writes the
// table of docs/accuracy.md.
import { expect, it } from 'vitest';
import type { CachePoint, ReplayedPoint } from '../../../src/advise/door.js';
import { findProfile, listProfiles } from '../../../src/base/profiles.js';
import { keptBytes } from '../../../src/cache/slot-groups.js';
import { KNOBS, NUDGE, timeShares, turnedBy } from '../../../src/hardware/door.js';
import { loadRuntime, type RuntimeSpec } from '../../../src/hardware/runtime.js';
import { cacheFigures } from '../../../src/measured/tune/cached.js';
import { tune } from '../../../src/measured/tune/tune.js';
import type { CacheGain } from '../../../src/measured/validate/caches.js';
import { predictRow } from '../../../src/measured/validate/predict.js';
import { validationReports } from '../../../src/measured/validate/report.js';
import { type Measurement, readRows } from '../../../src/measured/validate/rows/measurement.js';
import { modelOfRow } from '../../../src/measured/validate/rows/row-model.js';
import { RowTraces } from '../../../src/measured/validate/rows/row-traces.js';
import { type Validation, validationOf } from '../../../src/measured/validate/summary.js';
import type { ModelSpec } from '../../../src/model/spec.js';
import type { Setting } from '../../../src/runtime/door.js';
import type { RoutingTrace } from '../../../src/trace/trace.js';
import { expectShown } from '../../support/shown.js';

const rows = readRows(findProfile('measurements', 'expert-cache')).speed;
const profiles = listProfiles('runtimes');
const loaded = new Map(profiles.map((name) => [name, loadRuntime(name)]));

/** Wait and launch, ns, by other machines alone: of both others CUDA's, and none is left of ROCm, whose base is CUDA's. */
const OTHERS: readonly { readonly of: RegExp; readonly readBack: number; readonly launch: number }[] = [
  { of: /^r9700/, readBack: 40e3, launch: 600 },
  { of: /^rtx-5070-ti/, readBack: 28e3, launch: 600 },
  { of: /delf$/, readBack: 46e3, launch: 600 },
];

function without({ machine }: Measurement): ReadonlyMap<string, RuntimeSpec> {
  const left = OTHERS.find(({ of }) => of.test(machine.name));
  if (left === undefined) return loaded;
  const { of: _, ...constants } = left;
  return new Map(
    [...loaded].map(([name, spec]) => [name, spec.cache === null ? spec : { ...spec, cache: { ...spec.cache, ...constants } }]),
  );
}

let found: Promise<Validation> | null = null;
async function predicted(): Promise<Validation> {
  const traces = new RowTraces();
  const predictions = [];
  for (const row of rows) {
    const lost = (error: unknown) => ({ figures: {}, lacks: String(error) });
    predictions.push(await predictRow(row, traces, without(row)).catch(lost));
  }
  return validationOf(['expert-cache'], rows, predictions, loaded);
}
const validated = () => (found ??= predicted());
const gains = async (series: string): Promise<readonly CacheGain[]> => (await validated()).caches.filter((gain) => gain.series === series);

it('are 58 rows of 12 series, with a public address each, and say what nobody stated', () => {
  expect(rows.length).toBe(58);
  expect(new Set(rows.map(({ series }) => series!.id)).size).toBe(12);
  expect(rows.every(({ guessed, source }) => source!.startsWith('https://') && guessed!.length > 0)).toBe(true);
  expect(rows.filter(({ pathology }) => pathology !== undefined).length).toBe(13);
});

it('have the right sign in four of five, and half of the ratios within 25 %', async () => {
  const own = (await validated()).caches.filter((gain) => gain.simulated && !gain.pathology);
  expect(own.length).toBeGreaterThanOrEqual(26);
  expect(own.every(({ predicted: ratio }) => ratio !== null)).toBe(true);
  const share = (count: (gain: CacheGain) => boolean): number => own.filter(count).length / own.length;
  const within = (of: (gain: CacheGain) => number): number =>
    share((gain) => Math.abs(Math.log(of(gain) / gain.measured)) <= Math.log(1.25));
  expect(share(({ sign }) => sign === true)).toBeGreaterThanOrEqual(0.8);
  expect(within((gain) => gain.predicted!)).toBeGreaterThanOrEqual(0.5);
  // Over the measured line without a cache, what is left is the price of the cache, and of the routing.
  expect(within((gain) => gain.overMeasured!)).toBeGreaterThanOrEqual(0.75);
});

it('of an R9700 grow with five sizes, and pay from between 8 and 12 GiB on by the measured hits, by drawn routing from between 12 and 14', async () => {
  const of = await gains('bc-r9700');
  expect(of.map(({ id }) => id)).toEqual([2048, 4096, 8192, 12288, 14336].map((mib) => `bc-r9700-${mib}`));
  const ratios = of.map((gain) => gain.predicted!);
  expect(ratios).toEqual(ratios.toSorted((a, b) => a - b));
  expect(ratios[3]).toBeLessThan(1);
  expect(ratios[4]).toBeGreaterThan(1);
  expect(of[2]!.byHits).toBeLessThan(1);
  expect(of[3]!.byHits).toBeGreaterThan(1);
  // By the measured hits each is within 7 %: the price of a miss is right, and the routing is not yet.
  for (const { byHits, measured } of of) expect(Math.abs(byHits! / measured - 1)).toBeLessThan(0.07);
});

it('of an RTX 4080 grow with four sizes, and by its measured line pay from between 1 and 4 GiB on', async () => {
  const of = await gains('delf-4080');
  expect(of.map(({ id }) => id)).toEqual([512, 1024, 2048, 4096].map((mib) => `delf-4080-${mib}`));
  const ratios = of.map((gain) => gain.overMeasured!);
  expect(ratios).toEqual(ratios.toSorted((a, b) => a - b));
  expect(ratios[1]).toBeLessThan(1);
  expect(ratios[3]).toBeGreaterThan(1);
  for (const { measured, overMeasured } of of) expect(Math.abs(overMeasured! / measured - 1)).toBeLessThan(0.17);
});

const THREE = ['reading', 'cpu.memory', 'copies'];

/** Two runs of a series: without a cache, and with the largest of at most so many MiB. @returns speeds of all, as measured and as expected */
async function twoRuns(series: string, most: number) {
  const of = rows.filter(({ placement, series: own }) => own!.id === series && (placement.cache_gb ?? 0) * 1e9 <= most * 2 ** 20 + 1);
  const size = ({ placement }: Measurement): number => placement.cache_gb ?? 0;
  const line = of.find(({ placement }) => placement.kind !== 'expert-cache')!;
  const cached = of.filter((row) => size(row) > 0).sort((a, b) => size(b) - size(a));
  const all = [line, ...cached];
  const traces = new RowTraces();
  const speedAt = async (row: Measurement, steps: readonly number[]): Promise<number> => {
    const turned = new Map([...without(row)].map(([name, spec]) => [name, turnedBy(spec, steps)]));
    const { cached: hits, figures } = await predictRow(row, traces, turned);
    return hits?.byMeasured ?? figures.decode!;
  };
  const points = all.map((row): CachePoint => {
    const setting = { cache: row === line ? null : 'llama.cpp-cache' } as Setting;
    const along = { decode: [Math.log2(size(row)), 0], prefill: [] };
    return { setting, devices: [], flags: [], line: [], along, mebibytes: 0, cpuShare: 0 };
  });
  const replayed = async (_: RoutingTrace, some: readonly CachePoint[], steps: readonly number[]): Promise<ReplayedPoint[]> => {
    const found: ReplayedPoint[] = [];
    for (const row of some.map((point) => all[points.indexOf(point)]!)) {
      const decode = await speedAt(row, steps);
      const moved: number[] = [];
      for (const [k, { name }] of KNOBS.entries())
        moved.push(THREE.includes(name) ? await speedAt(row, steps.with(k, steps[k]! + NUDGE)) : decode);
      found.push({ decode, hitRate: row.measured.hit_rate ?? 0, shares: timeShares(decode, moved) });
    }
    return found;
  };
  const measured = all.map((row) => row.measured.tg_tps!);
  const basis = { model: line.model.name, driven: 'llama.cpp', points, replayed };
  const { figures } = await cacheFigures(basis, null as unknown as RoutingTrace, new Map([0, 1].map((at) => [at, measured[at]!])), []);
  const prefill = { ...figures[0]!, kind: 'prefill' as const, shares: KNOBS.map(() => 0), strategy: null, speed: 1, along: [0] };
  const ends = new Map([0, 1].map((at) => [at, { decode: measured[at]!, prefill: 1 }]));
  const { best, chance, expected } = await tune({
    ...{ points, figures: figures.map((decode) => ({ decode, prefill })), others: [], before: ends, most: 2 },
    cost: ({ decode }) => 1 / decode,
    run: () => Promise.reject(new Error('two runs suffice')),
    tell: () => undefined,
  });
  return { measured, best: best!, chance: chance!, expected: expected.map(({ decode }) => decode) };
}

it.each([
  ['bc-r9700', 14336, 0.9],
  ['bc-r9700', 12288, 0.9],
  ['bc-r9700', 8192, 0.9],
  ['delf-4080', 4096, 0.9],
  // 44.9 and 43.9 tok/s: nearly the same.
  ['delf-4080', 2048, 0.5],
  ['delf-4080', 1024, 0.9],
])('of %s up to %d MiB: two runs find the best, surely, and every size within a tenth', async (series, most, sure) => {
  const { best, chance, expected, measured } = await twoRuns(series, most);
  expect(measured.length).toBeGreaterThan(2);
  expect(measured[best]! / Math.max(...measured)).toBeGreaterThan(0.97);
  expect(chance).toBeGreaterThan(sure);
  for (const [i, speed] of expected.entries()) expect(Math.abs(speed / measured[i]! - 1), `${series} ${i}`).toBeLessThan(0.1);
});

it('take of the card of an R9700 what they were given, less two slots of each format at most', () => {
  const of = rows.filter(({ series }) => series!.id === 'bc-r9700');
  const used = ({ note }: Measurement): number => Number(/([\d,]+) MiB of the card/.exec(note!)![1]!.replace(',', ''));
  const model = modelOfRow(of[0]!) as ModelSpec;
  const cached = { ...model, layers: model.layers.slice(0, 41) };
  for (const row of of.filter(({ placement }) => placement.kind === 'expert-cache')) {
    const slot = model.layers[0]!.expertBytes;
    const bytes = keptBytes(cached, row.placement.cache_gb! * 1e9, 1) + slot;
    // A group of each format ends below its part by up to a slot; 2.3 MiB a slot.
    expect(Math.abs(bytes / 2 ** 20 - (used(row) - used(of[0]!)))).toBeLessThan(16);
    expect(bytes).toBeLessThanOrEqual(row.placement.cache_gb! * 1e9);
  }
});

it('stand in docs/accuracy.md', async () => {
  const markdown = validationReports.find(({ name }) => name === 'markdown')!;
  const report = markdown.render(await validated(), { color: false, width: 80, unicode: true, verbose: false });
  const parts = report.split(/\n\n(?=\*\*|<details>)/).filter((part) => /^\*\*(?:Expert caches|Caches of other)/.test(part));
  expect(parts.length).toBe(2);
  const test = 'test/claims/measured/caches.test.ts';
  const marks = [`<!-- caches: written by ${test} -->\n`, '<!-- end of caches -->'] as const;
  expectShown('docs/accuracy.md', marks, `\n${parts.map((part) => part.trim()).join('\n\n')}\n\n`, test);
});

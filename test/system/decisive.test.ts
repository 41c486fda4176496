// Each system's file names the mechanism that decides (`decisive`), and what takes it away. Two runs that differ in nothing else show its worth: the
// metric that the mechanism is for gets worse by at least a hundredth without it. All under one runtime, so that no engine's constant helps.
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import type { Override } from '../../src/base/yaml.js';
import { simulateRun } from '../../src/engine/simulate.js';
import { describeMetric } from '../../src/result/catalogue.js';
import { checkRun } from '../../src/system/load-run.js';
import type { SystemSpec } from '../../src/system/system.js';
import { cases } from '../cases.js';
import { describedSystems } from './page.js';

const systems = describedSystems().flatMap(({ kind, spec }) => (kind === 'published' || kind === 'ours' ? [spec] : []));
const BASE = { hardware: 't4', runtime: 'llama.cpp', bounds: false, audit: 'off' } as const;
/** Least loss without the mechanism. Ours: what a reader would see. */
const LEAST = 0.01;

type Decisive = NonNullable<SystemSpec['decisive']>;

const overrides = (values: Decisive['without']): Override[] =>
  Object.entries(values).map(([path, value]) => ({ path: path.split('.'), value, label: `--set ${path}` }));

/** The metric without the mechanism and with it: how much worse it is, as a share. */
async function worth({ cache, name, decisive }: SystemSpec): Promise<number> {
  const { shown = {}, without, worse } = decisive!;
  const memory = cache.capacity === undefined ? { expertCache: '25%' } : {};
  const run = { ...BASE, system: name, trace: 'mini-finegrained-64x12l', memory, workload: { tokens: 400 } };
  const value = async (values: Decisive['without']): Promise<number> =>
    (await simulateRun(checkRun(run, name, [...overrides(shown), ...overrides(values)]))).metrics[worse]!.value;
  const [whole, less] = [await value({}), await value(without)];
  return describeMetric(worse).better === 'higher' ? 1 - less / whole : less / whole - 1;
}

/** Parts of papers that pay nothing on these runs, with what takes them away; docs/systems.md lists them. */
const IDLE: readonly { readonly name: string; readonly without: Decisive['without']; readonly shown?: Decisive['without'] }[] = [
  { name: 'specmd', without: { 'system.cache.policy': 'lru' } },
  { name: 'edgemoe', without: { 'system.cache.policy': 'lru' } },
  { name: 'fate', without: { 'system.cache.quotas': 'even' } },
  { name: 'buddymoe', without: { 'system.predictor': 'none' } },
  { name: 'adapmoe', without: { 'system.cache.quotas': 'even' } },
  { name: 'promoe', without: { 'system.predictor.horizon': 1 } },
  { name: 'expertflow-shen', without: { 'system.predictor.horizon': 1 } },
  { name: 'flexmoe', without: { 'system.placement': 'even' }, shown: { hardware: '2x-rtx-4090', 'workload.batch': 16 } },
];

/** Further parts of papers, each of which pays where it is meant to. */
const FURTHER: readonly ({ readonly name: string } & Decisive)[] = [
  {
    name: 'tutel',
    mechanism: 'passes of many tokens gather weights in place of sending activations',
    without: { 'system.parallelism': 'expert' },
    worse: 'speed.prefill',
    shown: {
      ...{ trace: 'synthetic', model: 'granite-3.0-1b-a400m', hardware: '2x-rtx-4090', runtime: 'vllm' },
      workload: { batch: 8, tokens: 8256, prompt: 1024, output: 8, maxTokensPerPass: 8192 },
    },
  },
];

describe('the mechanism that decides', () => {
  it('is named in the file of every system that follows another', () => {
    expect(systems.filter(({ decisive }) => decisive === undefined).map(({ name }) => name)).toEqual([]);
    // What takes it away is a part of the system, or what the system has of the GPU's memory.
    for (const { decisive } of systems) {
      expect(decisive!.mechanism).toMatch(/^\S.{9,79}$/);
      expect(Object.keys(decisive!.without).filter((path) => !/^system\.|^memory\.expertCache$/.test(path))).toEqual([]);
    }
  });

  // Half of them where not all are tried.
  const some = systems.filter((_, at) => at % Math.round(2 / cases(2)) === 0);

  it.each(some.map((system) => [system.name, system] as const))('%s loses without it', async (name, system) => {
    expect(await worth(system), `${name}: ${system.decisive!.mechanism}`).toBeGreaterThan(LEAST);
  });

  it('loses of systems drawn with a seed, on drawn rows of the recordings as well', async () => {
    const random = new Random(28, 'decisive');
    const papers = systems.filter(({ cites, decisive }) => /arXiv|'\d\d/.test(cites!) && decisive!.shown === undefined);
    const drawn = Array.from({ length: cases(10, 3) }, () => papers.splice(Math.floor(random.next() * papers.length), 1)[0]!);
    for (const system of drawn) {
      const from = 1500 + Math.floor(random.next() * 5000);
      const shown = { trace: `mini-finegrained-64x12l#${from}:${from + 600}` };
      expect(await worth({ ...system, decisive: { ...system.decisive!, shown } }), `${system.name} on ${shown.trace}`).toBeGreaterThan(
        LEAST,
      );
    }
  });
});

it.each(IDLE)('$name decodes as fast without $without', async ({ name, shown, without }) => {
  const { spec } = describedSystems().find((one) => one.name === name)!;
  const lost = await worth({ ...spec, decisive: { mechanism: 'of the paper', without, worse: 'speed.decode', shown } });
  expect(lost).toBeLessThan(LEAST);
});

it.each(FURTHER)('$name loses without $without, too', async ({ name, ...part }) => {
  const { spec } = describedSystems().find((one) => one.name === name)!;
  expect(await worth({ ...spec, decisive: part })).toBeGreaterThan(LEAST);
});

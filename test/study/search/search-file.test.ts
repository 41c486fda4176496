// Search files: what they say, and what is wrong with those that say it badly.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pathsOf, spaceCells } from '../../../src/figure/table/space.js';
import type { Result } from '../../../src/result/result.js';
import { fingerprintOf } from '../../../src/study/fingerprint.js';
import {
  constraintIn,
  differenceAsShare,
  figureIn,
  goodness,
  objectiveNamed,
  priceOf,
  toleranceOf,
} from '../../../src/study/search/objective.js';
import { pointProfile } from '../../../src/study/search/point-profile.js';
import { loadSearch } from '../../../src/study/search/search-file.js';
import { shorterRun } from '../../../src/study/search/short-runs.js';
import { checkRun, loadRun } from '../../../src/system/load-run.js';
import { temporaryFolder } from '../../support/folder.js';

const folder = temporaryFolder();

function file(text: string, name = 'space.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('a search file', () => {
  it('has the axes of a study, objectives, limits and prices', () => {
    const { batch, constraints, objectives, prefix, prices, study } = loadSearch(
      file(`
axes: { hardware: [t4, rtx-3090+ryzen-9-7950x+64GB], memory.expertCache: [10%, 20%] }
objectives: [speed.decode, price]
constraints: ['price <= 1000', 'latency.tpot.p99 <= 20ms']
prices: { hardware: { t4: 300, rtx-3090: 700, ryzen-9-7950x: 400, 64GB: 150 } }
`),
    );
    expect([batch, prefix]).toEqual([8, 0.25]);
    expect(objectives).toEqual([
      { name: 'speed.decode', unit: 'tokens/s', better: 'higher' },
      { name: 'price', unit: 'count', better: 'lower' },
    ]);
    expect(constraints.map(({ limit, name }) => [name, limit])).toEqual([
      ['price', 1000],
      ['latency.tpot.p99', 20e6],
    ]);
    const cells = [...spaceCells(study.space)];
    expect(cells.map((cell) => priceOf(prices, pathsOf(study.space), cell))).toEqual([300, 300, 1250, 1250]);
  });

  it.each<[string, RegExp]>([
    ['objectives: [speed.decode]', /nothing varies/],
    ['axes: { seed: [1, 2] }', /objectives: is missing|objectives/],
    [
      'axes: { seed: [1] }\nobjectives: [speed.decod]',
      /space\.yaml:2:14: objectives\.0: "speed\.decod" is no figure; did you mean "speed\.decode"/,
    ],
    ['axes: { seed: [1] }\nobjectives: [memory.gpu.expert_cache]', /is neither good nor bad/],
    ['axes: { seed: [1] }\nobjectives: [speed.decode, speed.decode]', /stands twice/],
    ['axes: { seed: [1] }\nobjectives: [lost_bits]', /are known without a run; add a metric/],
    ['axes: { seed: [1] }\nobjectives: [speed.decode, price]', /price: nothing has one; give prices/],
    [
      'axes: { seed: [1] }\nobjectives: [speed.decode]\nprices: { hardware: { t4: 1 } }',
      /prices\.hardware: is not varied; varied are seed/,
    ],
    [
      'axes: { hardware: [t4, rtx-3090+64GB] }\nobjectives: [speed.decode, price]\nprices: { hardware: { t4: 1, 64GB: 2 } }',
      /rtx-3090 has no price/,
    ],
    [
      'axes: { seed: [1] }\nobjectives: [speed.decode]\nconstraints: [speed.decode <= 3]',
      /speed\.decode is better higher; write speed\.decode >=/,
    ],
    ['axes: { seed: [1] }\nobjectives: [speed.decode]\nconstraints: [latency.tpot.p99 <= 3 GiB]', /does not fit/],
    ['axes: { seed: [1] }\nobjectives: [speed.decode]\nprefix: 1', /prefix/],
    ['axes: { seed: [1] }\nobjectives: [speed.decode]\nbudget: 3', /unknown key "budget"/],
  ])('refuses %s', (text, message) => {
    expect(() => loadSearch(file(text))).toThrow(message);
  });
});

describe('figures', () => {
  it('are large where they are good, and differ by shares', () => {
    const decode = objectiveNamed('speed.decode');
    const tpot = objectiveNamed('latency.tpot.p50');
    const hits = objectiveNamed('cache.hit_rate');
    expect(differenceAsShare(decode, goodness(decode, 103) - goodness(decode, 100))).toBeCloseTo(0.03, 12);
    expect(goodness(tpot, 1e6)).toBeGreaterThan(goodness(tpot, 2e6));
    expect(goodness(hits, 0.5)).toBe(0.5);
    expect([toleranceOf(decode), toleranceOf(hits)]).toEqual([Math.log1p(0.03), 0.03]);
    expect(goodness(objectiveNamed('price'), 300)).toBe(-300);
  });

  it('count as degraded what is left out, and of the rest what is served otherwise', () => {
    const metrics = { 'variant.activations_saved': 0.5, 'quality.degraded_rate': 0.2, 'quality.skipped_rate': 0.1 };
    const result = {
      metrics: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, { value }])),
    } as unknown as Result;
    // Half of the choices are made, and seven tenths of these are computed as the model would.
    expect(figureIn(result, objectiveNamed('degraded'))).toBeCloseTo(0.65, 12);
    expect(figureIn(result, objectiveNamed('speed.decode'))).toBe(null);
  });

  it('need a limit on their worse side', () => {
    expect(() => constraintIn('cache.hit_rate <= 50%')).toThrow('write cache.hit_rate >= and one amount');
    expect(() => constraintIn('cache.hit_rate >= +5%')).toThrow(/about a change/);
  });
});

it('a short run takes a part of the tokens, or of the requests that arrive', () => {
  const run = (workload: object, trace?: string) =>
    checkRun({ model: 'olmoe-1b-7b', ...(trace === undefined ? {} : { trace }), workload }, 'test');
  expect(shorterRun(run({ tokens: 200 }), 0.25)?.workload.tokens).toBe(50);
  expect(shorterRun(run({}), 0.25)?.workload.tokens).toBe(128);
  expect(shorterRun(run({}, 'mini-mixtral-8x8l'), 0.25)).toBe(null);
  expect(shorterRun(run({ arrivals: 'poisson:rate=2', requests: 2 }), 0.25)?.workload.requests).toBe(1);
});

describe('the profile of a point', () => {
  it('is the run, whatever it was told and wherever it lies', () => {
    file('system: my-system.yaml\nworkload: { tokens: 40 }\nmodel: olmoe-1b-7b\n', 'base.yaml');
    file('name: mine\ncache: { policy: sieve }\npredictor: last-token\n', 'my-system.yaml');
    for (const axes of [
      'system.cache.policy: [lru], memory.expertCache: [25%]',
      'system: [fiddler], system.predictor.horizon: [2]',
      'system.predictor: [transition], system.cache.scope: [layer]',
      'hardware: [t4], workload.batch: [2]',
      'system: [./my-system.yaml], system.onMiss: [cpu]',
      'system: [./my-system.yaml], system.onMiss: [cpu], system.onMiss.admit: [background], system.predictor.horizon: [2]',
    ]) {
      const { study } = loadSearch(file(`run: base.yaml\nset: { seed: 3 }\naxes: { ${axes} }\nobjectives: [speed.decode]\n`));
      const [cell] = spaceCells(study.space);
      const overrides = [...study.fixed, ...cell!.map((value, at) => study.override(at, value))];
      const text = pointProfile(study.run, overrides, ['A point.']);
      const elsewhere = temporaryFolder();
      writeFileSync(join(elsewhere, '1.yaml'), text);
      expect(fingerprintOf(loadRun(join(elsewhere, '1.yaml'))), axes).toBe(fingerprintOf(loadRun(study.run!, overrides)));
      expect(text).toMatch(/^# A point\.\nsystem:/);
    }
  });

  it('says what a profile cannot', () => {
    const override = { path: ['hardware', 'gpu', 'memory'], value: '8GiB', label: '' };
    expect(pointProfile(undefined, [override, { path: ['seed'], value: 2, label: '' }], [])).toBe(
      '# A run profile cannot say all: add --set hardware.gpu.memory=8GiB\nseed: 2\n',
    );
  });
});

// Systems and runs as profiles: every bundled one works, values can be replaced from outside, and mistakes are told in one line.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { findProfile, listProfiles } from '../../src/base/profiles.js';
import { asWritten } from '../../src/base/written.js';
import type { Override } from '../../src/base/yaml.js';
import { simulateRun } from '../../src/engine/simulate.js';
import type { Result } from '../../src/result/result.js';
import { checkRun, loadRun } from '../../src/system/load-run.js';
import type { RunInput } from '../../src/system/run.js';
import { loadSystem, replacePredictor, type SystemSpec } from '../../src/system/system.js';
import { temporaryFolder } from '../support/folder.js';
import { exampleOf } from './example.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 60_000 });

const set = (path: string, value: unknown): Override => ({ path: path.split('.'), value, label: `--set ${path}` });

const small: RunInput = { model: 'mini-finegrained-64x12l', workload: { tokens: 24, prompt: 8, output: 8 } };
const run = (input: RunInput, ...overrides: Override[]): Promise<Result> => simulateRun(checkRun(input, 'test', overrides));
const systemOf = (system: NonNullable<RunInput['system']>, ...overrides: Override[]): SystemSpec =>
  checkRun({ system }, 'test', overrides).system;
const metricOf = (result: Result, name: string): number => result.metrics[name]!.value;

/** The message of the UserError that `work` ends with. */
async function mistake(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    const { message } = error as UserError;
    expect(message).not.toContain('\n');
    return message;
  }
  throw new Error('nothing was wrong');
}

describe('bundled systems', () => {
  it.each(listProfiles('systems'))('%s parses, says where it is simpler than its model, and runs', async (name) => {
    const system = loadSystem(name).value;
    expect(system.name).toBe(name);
    expect(system.simplifies ?? '').not.toBe('');
    const example = exampleOf(system).run;
    const result = await run({ ...example, workload: { ...example.workload, tokens: 160 } });
    expect(result.inputs.system).toBe(name);
    expect(metricOf(result, 'experts.demanded')).toBeGreaterThan(0);
    const [hits, late, misses] = ['cache.hits', 'cache.late', 'cache.misses'].map((metric) => metricOf(result, metric));
    expect(hits! + late! + misses!).toBe(metricOf(result, 'experts.demanded'));
    // Two processors may be faster than one that has everything.
    if ((result.metrics['time.cpu']?.value ?? 0) > 0) return;
    expect(metricOf(result, 'latency.tpot.mean')).toBeGreaterThanOrEqual(result.bounds.allResidentTpotNs! * (1 - 1e-9));
  });

  it.each(listProfiles('hardware'))('on-demand-lru runs on %s', async (hardware) => {
    const result = await run({ ...small, hardware, memory: { expertCache: '25%' } });
    expect(result.inputs.hardware).toBe(hardware);
    expect(metricOf(result, 'time.total')).toBeGreaterThan(0);
  });
});

describe('values given from outside', () => {
  it('put another predictor in the place of one: how far it looks stays, parameters of the other kind go', () => {
    const asked: Override = {
      path: ['system', 'predictor'],
      value: 'markov:costNs=5',
      amend: replacePredictor('markov:costNs=5'),
      label: '--predictor',
    };
    expect(asWritten(systemOf('expertflow').predictor)).toMatchObject({ kind: 'path-retrieval', horizon: 8 });
    expect(asWritten(systemOf('expertflow', asked).predictor)).toEqual({
      kind: 'markov:costNs=5',
      horizon: 8,
      correction: true,
      train: [],
      parameters: {},
    });
    expect(systemOf({ name: 'x', predictor: 'last-token' }, asked).predictor.kind.text).toBe('markov:costNs=5');
    expect(asWritten(systemOf('on-demand-lru', asked).predictor)).toMatchObject({ kind: 'markov:costNs=5', horizon: 1 });
  });

  it('reach the run, the system, the machine and the model', async () => {
    const memory = { expertCache: '25%' };
    const plain = await run({ ...small, memory });
    expect(await run({ ...small, memory }, set('seed', 7)).then(({ seed }) => seed)).toBe(7);

    const belady = await run({ ...small, memory }, set('system.cache.policy', 'belady'));
    expect(metricOf(belady, 'cache.hit_rate')).toBeGreaterThan(metricOf(plain, 'cache.hit_rate'));

    const slow = await run({ ...small, memory }, set('hardware.links.h2d.bandwidth', '100 MB/s'));
    expect(metricOf(slow, 'cache.hits')).toBe(metricOf(plain, 'cache.hits'));
    expect(metricOf(slow, 'time.stall')).toBeGreaterThan(5 * metricOf(plain, 'time.stall'));
    expect(metricOf(await run({ ...small, memory }, set('hardware.links.0.bandwidth', '100 MB/s')), 'time.stall')).toBe(
      metricOf(slow, 'time.stall'),
    );

    const narrow = await run({ ...small, memory }, set('model.moe.topK', 2));
    expect(metricOf(narrow, 'experts.distinct_per_event')).toBeLessThan(metricOf(plain, 'experts.distinct_per_event'));
    // Other routing, another machine: not comparable. Another system: that is what one compares.
    expect(belady.fingerprint).toBe(plain.fingerprint);
    expect(new Set([plain, slow, narrow].map(({ fingerprint }) => fingerprint)).size).toBe(3);
  });

  it('win over what a profile says', () => {
    const quickstart = loadRun('quickstart', [set('workload.tokens', 99), set('memory.expertCache', '3GiB')]);
    expect(quickstart.workload.tokens).toBe(99);
    expect(quickstart.memory.expertCache).toEqual({ text: '3GiB', kind: 'bytes', bytes: 3 * 2 ** 30 });
    expect(quickstart.system.name).toBe('llama.cpp-static');
  });

  it('reach into a predictor that was given as a bare name', () => {
    const system = systemOf({ name: 'mine', predictor: 'transition' }, set('system.prefetch.perLayer', 3));
    expect(asWritten(system.predictor)).toMatchObject({ kind: 'transition', horizon: 1, correction: true });
    expect(system.prefetch.perLayer).toBe(3);
  });

  it('leave the name of a part that is a text alone where they set one of its own values', () => {
    const predictor = systemOf(
      { name: 'mine', predictor: 'transition' },
      set('system.predictor.horizon', 2),
      set('system.predictor.reach', 3),
    );
    expect(asWritten(predictor.predictor)).toMatchObject({ kind: 'transition', horizon: 2, parameters: { reach: 3 } });
    const flags = [set('system.predictor', 'last-token'), set('system.predictor.horizon', 2)];
    expect(asWritten(systemOf('on-demand-lru', ...flags).predictor)).toMatchObject({ kind: 'last-token', horizon: 2 });
    const scheduler = systemOf({ name: 'mine', scheduler: 'cache-affinity' }, set('system.scheduler.batches', 8)).scheduler;
    expect(asWritten(scheduler)).toMatchObject({ kind: 'cache-affinity', parameters: { batches: 8 } });
    const misses = systemOf({ name: 'mine', onMiss: 'cpu' }, set('system.onMiss.admit', 'background')).onMiss;
    expect(misses).toEqual(systemOf({ name: 'mine', onMiss: { do: 'cpu', admit: 'background' } }).onMiss);
  });
});

describe('values from outside that cannot be', () => {
  it('are refused where the text of a part says the same', async () => {
    const work = () => systemOf({ name: 'mine', scheduler: 'cache-affinity:batches=4' }, set('system.scheduler.batches', 8));
    expect(await mistake(work)).toMatch(
      /^--set system\.scheduler\.batches: .*"batches" stands in "cache-affinity:batches=4", too; keep one of them/,
    );
  });

  it.each([
    ['system.cache.scope', 'everywhere', /^--set system\.cache\.scope: .*global.*layer/],
    ['system.cache.polcy', 'lru', /^--set system\.cache\.polcy: .*"policy"/],
    ['system.prefetch.minProbability', 2, /^--set system\.prefetch\.minProbability: .*1/],
    ['hardware.links.h2d.bandwidth', 'fast', /^--set hardware\.links\.h2d\.bandwidth: .*GB\/s/],
    ['hardware.links.pcie.bandwidth', '1 GB/s', /^--set hardware\.links\.pcie\.bandwidth: the list has no entry "pcie"; .*h2d/],
    ['hardware.gpu.peek', '1 TFLOP/s', /^--set hardware\.gpu\.peek: .*"peak"/],
    ['model.moe.topK', 'many', /^--set model\.moe\.topK: /],
    ['workload.batch', 0, /^--set workload\.batch: /],
    ['workload.btch', 2, /^--set workload\.btch: .*"batch"/],
    ['replay', 'backwards', /^--set replay: .*atomic.*sequential/],
  ])('say which flag is wrong: --set %s=%s', async (path, value, message) => {
    expect(await mistake(() => run({ ...small, memory: { expertCache: '25%' } }, set(path, value)))).toMatch(message);
  });
});

describe('mistakes are one line', () => {
  it.each<[string, RunInput, RegExp]>([
    ['an unknown system', { system: 'mixtral-ofloading' }, /unknown system "mixtral-ofloading": .*"mixtral-offloading"/],
    [
      'an unknown policy',
      { system: { name: 'x', cache: { policy: 'lruu' } } },
      /^test: system\.cache\.policy: unknown policy "lruu"; .*"lru"/,
    ],
    [
      'an unknown predictor',
      { system: { name: 'x', predictor: 'transiton' } },
      /^test: system\.predictor: unknown predictor "transiton"; .*"transition"/,
    ],
    ['an unknown scheduler', { system: { name: 'x', scheduler: 'fcsf' } }, /^test: system\.scheduler: unknown scheduler "fcsf"; .*"fcfs"/],
    [
      'a wrong parameter of a predictor',
      { system: { name: 'x', predictor: { kind: 'oracle', recal: 1 } } },
      /^test: system\.predictor\.recal: .*"recal"; .*"recall"/,
    ],
    ['a value out of range', { system: { name: 'x', predictor: 'oracle:recall=2' } }, /oracle: recall: 2 is out of range, use 0 to 1/],
    [
      'a policy that ranks by prediction without a predictor',
      { system: { name: 'x', cache: { policy: './ranks.mjs' } } },
      /needs a predictor/,
    ],
    [
      'a capacity without a unit',
      { memory: { expertCache: 8 } },
      /^test: memory\.expertCache: "8" has no unit; write 8GiB, 8% of all experts, or 8\/layer/,
    ],
    ['a capacity that the system fixes', { system: 'no-cache', memory: { expertCache: '1GiB' } }, /no-cache fixes its expert cache at 0%/],
    [
      'a DRAM cache without an SSD',
      { hardware: 'phone-ufs4', memory: { dramCache: '50%' } },
      /memory\.dramCache: phone-ufs4 has no SSD tier below/,
    ],
    [
      'quotas for another number of layers',
      { system: { name: 'x', cache: { scope: 'layer', quotas: [1, 2] } } },
      /2 numbers for 12 MoE layers/,
    ],
    [
      'a DRAM policy that would have to know the future',
      { hardware: 'rtx-4090', memory: { dramCache: '50%' }, system: { name: 'x', dram: { policy: 'belady' } } },
      /dram\.policy: /,
    ],
    [
      'computing misses on a machine without a CPU',
      { hardware: 'sn40l', system: 'fiddler' },
      /needs a CPU beside the GPU, and sn40l has none/,
    ],
    ['synthetic routing joined with files', { trace: ['synthetic', 'mini-finegrained-64x12l'] }, /'synthetic' cannot be joined/],
  ])('%s', async (_what, input, message) => {
    const folder = temporaryFolder();
    try {
      writeFileSync(
        join(folder, 'ranks.mjs'),
        `export default { name: 'ranks', needs: ['predicted'], create: () => ({ touch() {}, insert() {}, remove() {}, victim: () => -1 }) };`,
      );
      const located = JSON.parse(JSON.stringify(input).replaceAll('./ranks.mjs', join(folder, 'ranks.mjs'))) as typeof input;
      expect(await mistake(() => simulateRun(checkRun({ ...small, ...located }, 'test')))).toMatch(message);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('system files', () => {
  let folder: string;
  beforeAll(() => {
    folder = temporaryFolder();
  });

  it('place a mistake by file, line and column', async () => {
    const file = join(folder, 'mine.yaml');
    writeFileSync(file, 'name: mine\ncache:\n  policy: lru\n  scop: layer\n');
    expect(await mistake(() => loadSystem('./mine.yaml', folder))).toMatch(/mine\.yaml:4:3: .*"scop".*"scope"/);
  });

  it('take on and off for yes and no', () => {
    const file = join(folder, 'switches.yaml');
    writeFileSync(file, 'name: switches\ncache: { exclusive: on }\npredictor: { kind: last-token, correction: off, horizon: all }\n');
    const system = loadSystem(file).value;
    expect([system.cache.exclusive, system.predictor.correction, system.predictor.horizon]).toEqual([true, false, 'all']);
  });

  it('16/layer is 16 in every layer, whatever their experts weigh', async () => {
    const result = await run({ ...small, system: { name: 'x', cache: { scope: 'layer' } }, memory: { expertCache: '16/layer' } });
    expect(result.bounds.capacityBytes % (12 * 16)).toBe(0);
    expect(findProfile('systems', 'on-demand-lru')).toMatch(/on-demand-lru\.yaml$/);
  });
});

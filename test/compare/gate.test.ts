// The gate over folders of scenarios, over repeats, and over measured metrics. Figures are small enough to check by hand.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import type { Operand } from '../../src/compare/compare.js';
import { compareAll, compareSets, type OperandSet } from '../../src/compare/gate.js';
import { joinRepeats } from '../../src/compare/samples.js';
import { budgetsOf, budgetsSchema, parseFailOn } from '../../src/result/budget.js';
import { sampledMetric } from '../../src/result/catalogue.js';
import { digestOf } from '../../src/result/digest.js';
import type { Result } from '../../src/result/result.js';
import { type SampleChanges, sampleResult } from '../result/sample.js';

function folder(label: string, scenarios: Readonly<Record<string, SampleChanges>>): OperandSet {
  const entries = Object.entries(scenarios).map(([name, changes]): [string, Operand] => [
    name,
    { label: `${label}/${name}.json`, result: sampleResult(changes) },
  ]);
  return { label, folder: true, scenarios: new Map(entries) };
}

/** A result with a measured wall time. */
function timed(samples: readonly number[]): Result {
  const result = sampleResult();
  return { ...result, metrics: { ...result.metrics, 'wall.run': sampledMetric('wall.run', samples) } };
}

const slow = { metrics: { 'latency.tpot.p50': 33e6 } };
const onlyCode = budgetsOf(
  budgetsSchema.parse([{ metric: 'latency.*', scenario: 'code*', max_regression: '3%', level: 'error' }]),
  () => 'b.yaml:2:5',
);

describe('scenarios', () => {
  it('are compared by name, each by the budgets that speak of it', () => {
    const base = folder('main', { code: {}, 'code-long': {}, chat: {} });
    const gate = compareSets(base, [folder('pr', { code: {}, 'code-long': slow, chat: slow })], onlyCode);
    expect(gate.comparisons.map(({ scenario, passed }) => [scenario, passed])).toEqual([
      ['chat', true],
      ['code', true],
      ['code-long', false],
    ]);
    expect(gate).toMatchObject({ passed: false, faults: [], added: [] });
  });

  it('fail where one has vanished, unless an off budget says why, and are named where they are new', () => {
    const base = folder('main', { chat: {}, code: {} });
    const gate = compareSets(base, [folder('pr', { code: {}, math: {} })], []);
    expect(gate.passed).toBe(false);
    expect(gate.faults).toMatchObject([{ scenario: 'chat', metric: null, level: 'error', message: expect.stringContaining('is missing') }]);
    expect(gate.added).toEqual([{ candidate: 'pr', scenario: 'math' }]);
    const off = budgetsOf(budgetsSchema.parse([{ metric: '*', scenario: 'chat', level: 'off', reason: 'retired' }]), () => 'b.yaml');
    expect(compareSets(base, [folder('pr', { code: {} })], off)).toMatchObject({
      passed: true,
      faults: [{ level: 'warn', scenario: 'chat', metric: '*', message: 'is not looked at: retired' }],
    });
  });

  it('that are new are judged by limits all the same', () => {
    const limit = budgetsOf(budgetsSchema.parse([{ metric: 'latency.tpot.p50', limit: '<= 31ms', level: 'error' }]), () => 'b.yaml');
    const gate = compareSets(folder('main', { code: {} }), [folder('pr', { code: {}, math: slow })], limit);
    expect(gate).toMatchObject({
      passed: false,
      faults: [{ scenario: 'math', metric: 'latency.tpot.p50', message: '33.0 ms is not <= 31ms' }],
    });
  });

  it('that a budget names and nobody ran are a fault, with the nearest name', () => {
    const typo = budgetsOf(budgetsSchema.parse([{ metric: '*', scenario: 'cdoe', max_regression: '1%', level: 'error' }]), () => 'b.yaml');
    const gate = compareSets(folder('main', { code: {} }), [folder('pr', { code: {} })], typo);
    expect(gate.passed).toBe(false);
    expect(gate.faults[0]!.message).toBe('is missing: no run is of this scenario; did you mean "code"?');
  });

  it('of two single runs are one, whatever the files are called', () => {
    const gate = compareAll({ label: 'main.json', result: sampleResult() }, [{ label: 'pr.json', result: sampleResult(slow) }], []);
    expect(gate.comparisons).toMatchObject([{ base: 'main.json', candidate: 'pr.json', rows: [{ metric: 'latency.tpot.p50' }] }]);
  });

  it('bring their own budgets, each once, and only for themselves', () => {
    const own = budgetsOf(
      budgetsSchema.parse([{ metric: 'latency.tpot.p50', max_regression: '3%', level: 'error' }]),
      () => 'code.yaml:3:5',
    );
    const base = folder('main', { chat: {}, code: {} });
    const candidate = folder('pr', { chat: slow, code: slow });
    for (const set of [base, candidate]) {
      const scenarios = set.scenarios as Map<string, Operand>;
      scenarios.set('code', { ...scenarios.get('code')!, budgets: own });
    }
    const gate = compareSets(base, [candidate], []);
    expect(gate.comparisons.map(({ scenario, findings }) => [scenario, findings.length])).toEqual([
      ['chat', 0],
      ['code', 1],
    ]);
  });
});

describe('repeats', () => {
  const repeat = (label: string, samples: readonly number[]): { label: string; result: Result } => ({ label, result: timed(samples) });

  it('become one result: samples joined, the median as value, sealed anew', () => {
    const joined = joinRepeats([repeat('a@1.json', [5e9]), repeat('a@2.json', [9e9]), repeat('a@3.json', [6e9, 7e9])]);
    expect(joined.metrics['wall.run']).toMatchObject({ value: 6.5e9, samples: [5e9, 9e9, 6e9, 7e9] });
    expect(joined.digest).toBe(digestOf(joined));
  });

  it.each<[string, SampleChanges, RegExp]>([
    ['inputs', { fingerprint: 'feed' }, /a@2\.json: is no repeat of a@1\.json: its inputs differ/],
    ['configurations', { config: {} }, /its configuration differs/],
    ['simulated figures', slow, /latency\.tpot\.p50 is simulated and must be the same, not 30800000 and 33000000/],
    ['sets of metrics', { metrics: { 'time.cpu': null } }, /only one of them has time\.cpu/],
  ])('of different %s are none: exit 3', (_, changes, message) => {
    const repeats = [
      { label: 'a@1.json', result: sampleResult() },
      { label: 'a@2.json', result: sampleResult(changes) },
    ];
    try {
      joinRepeats(repeats);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      expect(error).toMatchObject({ exitCode: 3, message: expect.stringMatching(message) });
    }
  });
});

describe('measured metrics', () => {
  const budget = [parseFailOn('wall.run > +5%')];
  const compare = (before: readonly number[], after: readonly number[], budgets = budget): ReturnType<typeof compareAll> =>
    compareAll({ label: 'a', result: timed(before) }, [{ label: 'b', result: timed(after) }], budgets);
  const row = (gate: ReturnType<typeof compareAll>) => gate.comparisons[0]!.rows.find(({ metric }) => metric === 'wall.run')!;

  it('fail where the samples lie apart and the change is beyond the budget', () => {
    const gate = compare([100, 101, 102, 103, 104], [120, 121, 122, 123, 124]);
    expect(gate.passed).toBe(false);
    // All of one side above the other: 2 of 252 ways.
    expect(row(gate)).toMatchObject({ direction: 'worse', verdict: 'fail', test: { counts: [5, 5], verdict: 'different' } });
    expect(row(gate).test!.p).toBeCloseTo(2 / 252, 12);
    expect(row(gate).test!.interval).toEqual({ low: 17, high: 23 });
    expect(compare([100, 101, 102, 103, 104], [102.5, 103.5, 104.5, 105, 106]).passed).toBe(true);
  });

  it('pass where noise explains the change, however large it is', () => {
    const gate = compare([100, 140, 90, 160, 105], [101, 170, 95, 150, 180]);
    expect(row(gate)).toMatchObject({ direction: 'unclear', verdict: 'pass' });
    expect(gate.passed).toBe(true);
    // The same under a budget in YAML; an absolute limit speaks of the median itself.
    const yaml = budgetsOf(budgetsSchema.parse([{ metric: 'wall.run', max_regression: '5%', level: 'error' }]), () => 'b');
    expect(compare([100, 140, 90, 160, 105], [101, 170, 95, 150, 180], yaml).passed).toBe(true);
    expect(compare([1, 2, 3, 4], [1, 2, 3, 5], [parseFailOn('wall.run > 2ns')]).passed).toBe(false);
  });

  it('fail where too few samples could not show anything', () => {
    const gate = compare([100], [100.001]);
    expect(gate.passed).toBe(false);
    expect(gate.comparisons[0]!.findings[0]!.message).toBe(
      'is measured and has too few samples to judge (1 and 1); run both with --repeat 5 or more',
    );
    expect(compare([100], [200], []).passed).toBe(true);
  });

  it('are corrected over all scenarios of the gate', () => {
    // Ten scenarios of which one seems to differ, at 2 of 70: no proof among ten questions, but proof where it is the only one.
    const names = Array.from({ length: 10 }, (_, index) => `s${index}`);
    const set = (label: string, samples: (index: number) => readonly number[]): OperandSet => ({
      label,
      folder: true,
      scenarios: new Map(names.map((name, index) => [name, { label: `${label}/${name}`, result: timed(samples(index)) }])),
    });
    const before = set('a', () => [1, 2, 3, 4]);
    const after = set('b', (index) => (index === 0 ? [11, 12, 13, 14] : [1.5, 2.5, 3.5, 2]));
    expect(compareSets(before, [after], budget).passed).toBe(true);
    expect(compare([1, 2, 3, 4], [11, 12, 13, 14]).passed).toBe(false);
  });
});

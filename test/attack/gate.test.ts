// Ways to get a tenfold regression past the gate. Each ends with 1 (a budget is broken), 2 (no such file or rule) or 3 (not comparable),
// never with a pass: most in this process, some as a real command in test/e2e/gate.test.ts.

import { describe, expect, it } from 'vitest';
import { EXIT, UserError } from '../../src/base/errors.js';
import type { Operand } from '../../src/compare/compare.js';
import { compareSets, type OperandSet } from '../../src/compare/gate.js';
import { type Budget, budgetFileSchema, budgetsOf, parseFailOn } from '../../src/result/budget.js';
import { METRICS, metric, rangeOf } from '../../src/result/catalogue.js';
import { sealed } from '../../src/result/digest.js';
import type { MetricName } from '../../src/result/metrics.js';
import { parseResult } from '../../src/result/read.js';
import type { Metric, Result } from '../../src/result/result.js';
import { type SampleChanges, sampleResult } from '../result/sample.js';
import { parseYaml } from '../support/yaml.js';

type Draft = Omit<Result, 'metrics' | 'seed' | 'inputs'> & { metrics: Record<string, Metric>; seed: number; inputs: Result['inputs'] };

/** What an attacker controls: the text of both files, budgets, scenarios. */
interface Attack {
  readonly base?: (draft: Draft) => void;
  readonly candidate?: (draft: Draft) => void;
  /** Of the files as they stand on the disk. */
  readonly text?: (base: string, candidate: string) => readonly [base: string, candidate: string];
  /** Text of a budget file; the gate's own unless said. */
  readonly budgets?: string;
  readonly failOn?: string;
  /** Budgets of the runs themselves. */
  readonly own?: { readonly base?: string; readonly candidate?: string };
  /** Names of the scenarios of base and candidate, as folders. */
  readonly scenarios?: readonly [base: readonly string[], candidate: readonly string[]];
  /** Exit code. */
  readonly code: number;
  /** Of the message or the finding. */
  readonly says: string;
}

const BUDGETS = `budgets:\n  - { metric: 'latency.tpot.*', max_regression: 3% }\n`;
const LATENCY = /^(latency\.|time\.(total|stall))/;

/** A sealed result; the candidate's times are ten times the base's, its rates a tenth. */
function draft(changes: SampleChanges, worse: boolean): Draft {
  const result = structuredClone(sampleResult(changes)) as Draft;
  for (const [name, { value }] of Object.entries(result.metrics)) {
    if (worse && LATENCY.test(name)) result.metrics[name] = metric(name as MetricName, value * 10);
    if (worse && /^(speed|throughput)\./.test(name)) result.metrics[name] = metric(name as MetricName, value / 10);
  }
  return result;
}

function budgetsFrom(text: string, file: string): Budget[] {
  const { budgets } = parseYaml(text, file, budgetFileSchema);
  return budgetsOf(budgets, (index) => `${file}:${index + 2}:5`);
}

/** What a gate makes of it. */
function judge({ base, budgets, candidate, failOn, own, scenarios, text }: Attack): { readonly code: number; readonly says: string } {
  try {
    const [before, after] = [draft({}, false), draft({}, true)];
    base?.(before);
    candidate?.(after);
    const texts = [JSON.stringify(sealed(before)), JSON.stringify(sealed(after))] as const;
    const [baseText, candidateText] = text === undefined ? texts : text(...texts);
    const operand = (label: string, json: string, rules: string | undefined): Operand => ({
      label,
      result: parseResult(json, label),
      ...(rules === undefined ? {} : { budgets: budgetsFrom(rules, label) }),
    });
    const set = (operand: Operand, names: readonly string[] | undefined): OperandSet => ({
      label: operand.label,
      folder: names !== undefined,
      scenarios: new Map((names ?? [operand.label]).map((name) => [name, operand])),
    });
    const given = failOn !== undefined ? [parseFailOn(failOn)] : own !== undefined ? [] : budgetsFrom(budgets ?? BUDGETS, 'budgets.yaml');
    const gate = compareSets(
      set(operand('base.json', baseText, own?.base), scenarios?.[0]),
      [set(operand('pr.json', candidateText, own?.candidate), scenarios?.[1])],
      given,
    );
    const faults = [...gate.faults, ...gate.comparisons.flatMap(({ findings }) => findings)].filter(({ level }) => level === 'error');
    return { code: gate.passed ? EXIT.ok : EXIT.gateFailed, says: faults.map(({ message }) => message).join('; ') };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { code: error.exitCode, says: error.message };
  }
}

const without =
  (pattern: RegExp) =>
  ({ metrics }: Draft): void => {
    for (const name of Object.keys(metrics)) if (pattern.test(name)) delete metrics[name];
  };
const set =
  (name: string, changes: Partial<Metric>) =>
  ({ metrics }: Draft): void => {
    metrics[name] = { ...metrics[name]!, ...changes };
  };
const TPOT = 'latency.tpot.p50';

const ATTACKS: Readonly<Record<string, Attack>> = {
  'the plain regression': { code: 1, says: 'is worse by more than 3%' },
  'a base without the metrics of the glob': { base: without(/^latency\.tpot/), code: 3, says: 'base.json: lacks latency.tpot.mean' },
  'a base without any latency': { base: without(/^latency\./), failOn: 'latency.* > +3%', code: 3, says: 'base.json: lacks latency.' },
  'a base without any metric': { base: without(/./), code: 3, says: 'base.json: lacks cache.hit_rate' },
  'a base without the total time': { base: without(/^time\.total$/), code: 3, says: 'base.json: lacks time.total' },
  'a base without the times of passes, and a glob for them': {
    base: without(/^bound\./),
    failOn: 'bound.* > +3%',
    code: 1,
    says: 'compares nothing: the base has no metric that it matches',
  },
  'a candidate without the metrics': { candidate: without(/^latency\.tpot/), code: 1, says: 'is missing in the candidate' },
  'a candidate without any metric': { candidate: without(/./), code: 1, says: 'is missing in the candidate' },
  'an empty list of budgets': { budgets: 'budgets: []\n', code: 2, says: 'needs at least 1 entries' },
  'an empty budget file': { budgets: '', code: 2, says: 'budgets.yaml' },
  'a budget that says nothing': { budgets: `budgets:\n  - { metric: '*' }\n`, code: 2, says: 'says nothing' },
  'off without a reason': { budgets: `budgets:\n  - { metric: '*', level: off }\n`, code: 2, says: 'needs a reason' },
  'an infinite percentage': { budgets: `budgets:\n  - { metric: '*', max_regression: 1e999% }\n`, code: 2, says: '1e999%' },
  'an infinite time': { failOn: `${TPOT} > +1e308s`, code: 2, says: '1e308s' },
  'an infinite limit': { failOn: `${TPOT} > 1e999ms`, code: 2, says: '1e999ms' },
  'a percentage of nothing but dots': { failOn: `${TPOT} > +3.4.5%`, code: 2, says: '3.4.5%' },
  'a signed tolerance': { budgets: `budgets:\n  - { metric: '*', max_regression: +3% }\n`, code: 2, says: 'without a sign' },
  'an unknown key of a budget': { budgets: `budgets:\n  - { metric: '*', max_regresion: 3% }\n`, code: 2, says: 'max_regression' },
  'a mistyped metric': { failOn: 'latency.tpto.p50 > +3%', code: 2, says: 'did you mean "latency.tpot.p50"' },
  'a glob of no metric': { failOn: 'latencies.* > +3%', code: 2, says: 'there is no metric' },
  'a metric that no run has': { failOn: 'switch.time > +3%', code: 1, says: 'is missing: no run has it' },
  'a condition without a comparator': { failOn: `${TPOT} 3%`, code: 2, says: 'is not metric, comparator, amount' },
  'a base of -1 ns': { base: set(TPOT, { value: -1 }), code: 2, says: 'latency.tpot.p50 is -1 ns, which no run gives' },
  'a candidate of -1 ns': {
    candidate: ({ metrics }) => {
      for (const name of Object.keys(metrics)) if (LATENCY.test(name)) metrics[name] = { ...metrics[name]!, value: -1 };
    },
    code: 2,
    says: '-1 ns, which no run gives',
  },
  'a base of 1e308 ns': { base: set('latency.tpot.p99', { value: 1e308 }), code: 2, says: '1e+308 ns, which no run gives' },
  'a share above 1': { base: set('share.stall', { value: 1.5 }), code: 2, says: '1.5 ratio, which no run gives' },
  'a base of 0 ns': {
    base: ({ metrics }) => {
      for (const name of ['mean', 'p50', 'p95', 'p99'] as const) metrics[`latency.tpot.${name}`] = metric(`latency.tpot.${name}`, 0);
    },
    code: 1,
    says: 'is worse by more than 3%',
  },
  'another direction': { candidate: set(TPOT, { better: 'higher' }), code: 2, says: 'better higher' },
  'another unit': { candidate: set(TPOT, { unit: 'count' }), code: 2, says: 'is given in count' },
  'a figure that calls itself measured': {
    candidate: set(TPOT, { kind: 'sampled', samples: [308e6, 308e6, 308e6, 308e6, 308e6] }),
    code: 1,
    says: 'is measured and has too few samples to judge',
  },
  'samples of a simulated figure': { candidate: set(TPOT, { samples: [308e6] }), code: 2, says: 'not the median of its samples' },
  'percentiles out of order': { candidate: set('latency.tpot.p99', { value: 41e6 }), code: 2, says: 'are not in order' },
  'rates that do not add up': { candidate: set('cache.hit_rate', { value: 1 }), code: 2, says: 'not 1' },
  'another routing under the fingerprint of the base': {
    candidate: (result) => {
      result.inputs = { ...result.inputs, traces: result.inputs.traces.map((trace) => ({ ...trace, sha256: 'abcd'.repeat(16) })) };
    },
    code: 3,
    says: 'not comparable',
  },
  'another seed under the fingerprint of the base': {
    candidate: (result) => {
      result.seed = 2;
    },
    code: 3,
    says: 'seed 1 -> 2',
  },
  'a seed that is not the one of the configuration': {
    candidate: (result) => Object.assign(result, { config: { ...result.config, seed: 7 } }),
    code: 2,
    says: 'seed is 1, config.seed 7',
  },
  'another machine': {
    candidate: (result) => Object.assign(result, { fingerprint: 'beef'.repeat(16), inputs: { ...result.inputs, hardware: 'h100' } }),
    code: 3,
    says: 'hardware rtx-4090 -> h100',
  },
  'figures that were edited after the run': {
    text: (base, candidate) => [base, candidate.replaceAll('308000000', '30800000')],
    code: 2,
    says: 'its figures are not those that its digest was taken of',
  },
  'a base that was cut short': { text: (base, candidate) => [base.slice(0, -400), candidate], code: 2, says: 'the file ends early' },
  'a base of nothing': { text: (_, candidate) => ['', candidate], code: 2, says: 'the file is empty' },
  'a base of another format': { text: (base, candidate) => [base.replace('result/1', 'result/2'), candidate], code: 3, says: 'format' },
  'numbers that are no JSON numbers': {
    text: (base, candidate) => [base.replace(/"value":\d+/, '"value":NaN'), candidate],
    code: 2,
    says: 'is not JSON',
  },
  'a number that overflows': {
    text: (base, candidate) => [base.replace(/"value":30800000\b/, '"value":1e999'), candidate],
    code: 2,
    says: TPOT,
  },
  'a scenario that is gone': { scenarios: [['code', 'chat'], ['code']], code: 1, says: 'the candidate does not' },
  'a scenario under another name': { scenarios: [['code'], ['code2']], code: 1, says: 'the candidate does not' },
  'a budget for a scenario that nobody ran': {
    scenarios: [['code'], ['code']],
    budgets: `budgets:\n  - { metric: '*', scenario: cdoe, max_regression: 3% }\n`,
    code: 1,
    says: 'did you mean "code"',
  },
  'a candidate that switches the budgets of the base off': {
    own: { base: BUDGETS, candidate: `budgets:\n  - { metric: '*', level: off, reason: trust me }\n` },
    code: 1,
    says: 'is worse by more than 3%',
  },
};

describe('a tenfold regression', () => {
  it.each(Object.entries(ATTACKS))('does not pass by %s', (_, attack) => {
    const { code, says } = judge(attack);
    expect(says).toContain(attack.says);
    expect(code).toBe(attack.code);
  });

  it('has thirty ways and more, and the gate passes where nothing got worse', () => {
    expect(Object.keys(ATTACKS).length).toBeGreaterThanOrEqual(30);
    expect(judge({ text: (base) => [base, base], code: 0, says: '' })).toEqual({ code: 0, says: '' });
  });
});

describe('figures that no report can draw', () => {
  it.each([
    ['a headroom below 0', (result: Draft) => set('headroom.tpot', { value: -1e15 })(result)],
    ['a count of -1e308', (result: Draft) => set('cache.evictions', { value: -1e308 })(result)],
    [
      'a counter of a layer of 1e308',
      (result: Draft) => Object.assign(result.perLayer, { stallNs: result.perLayer.stallNs.map(() => 1e308) }),
    ],
    [
      'a metric of a later version of 1e308',
      ({ metrics }: Draft) => (metrics['later.time'] = { value: 1e308, unit: 'ns', better: 'lower', kind: 'exact' }),
    ],
  ])('are refused where the file is read: %s', (_, change) => {
    const result = draft({}, false);
    change(result);
    expect(() => parseResult(JSON.stringify(sealed(result)), 'a.json')).toThrow(UserError);
  });

  it('leave out a relative change that is no number', () => {
    const [base, candidate] = [1e-300, 1e99].map((value) => sampleResult({ metrics: { 'time.cpu': value } }));
    const set = (label: string, result: Result): OperandSet => ({ label, folder: false, scenarios: new Map([[label, { label, result }]]) });
    const { rows } = compareSets(set('a', base!), [set('b', candidate!)], []).comparisons[0]!;
    expect(rows).toMatchObject([{ metric: 'time.cpu', change: 1e99, relative: null }]);
  });
});

describe('what the gate says beside its verdict', () => {
  const single = (label: string, changes: SampleChanges = {}): OperandSet => ({
    label,
    folder: false,
    scenarios: new Map([[label, { label, result: sampleResult(changes) }]]),
  });

  it.each([
    ['latency.tpot.p50 < -3%', true],
    ['latency.tpot.p50 < 31ms', true],
    ['cache.hit_rate > +0.5pp', true],
    ['latency.tpot.* < -3% and < -1ms', true],
    ['latency.tpot.p50 > +3%', false],
    ['cache.hit_rate < -0.5pp', false],
    ['latency.tpot.p50 > 1ms and < 2ms', false],
    ['latency.tpot.p50 != 1ms', false],
    ['cache.* < -3%', false],
    ['time.dense < -3%', false],
  ])('--fail-on %s can only fire on improvement: %s', (condition, only) => {
    const { findings, passed } = compareSets(single('base.json'), [single('pr.json')], [parseFailOn(condition)]).comparisons[0]!;
    const said = findings.filter(({ level, message }) => level === 'warn' && message.startsWith('only an improvement can break this'));
    expect(said).toHaveLength(only ? 1 : 0);
    expect(passed).toBe(!findings.some(({ level }) => level === 'error'));
  });

  it('a limit is the other way round', () => {
    const wrong = budgetsFrom(`budgets:\n  - { metric: latency.tpot.p50, limit: '>= 1ms' }\n`, 'b.yaml');
    const right = budgetsFrom(`budgets:\n  - { metric: latency.tpot.p50, limit: '<= 45ms' }\n`, 'b.yaml');
    const findings = (budgets: Budget[]): number => compareSets(single('a'), [single('b')], budgets).comparisons[0]!.findings.length;
    expect([findings(wrong), findings(right)]).toEqual([1, 0]);
  });

  it('names results that were saved, not run, and another version of moeprof', () => {
    const run = single('pr.yaml');
    const [operand] = run.scenarios.values();
    const other = { ...sampleResult(), tool: { name: 'moeprof' as const, version: '0.0.9' } };
    const base: OperandSet = { label: 'base.json', folder: false, scenarios: new Map([['base', { label: 'base.json', result: other }]]) };
    const gate = compareSets(base, [{ ...run, scenarios: new Map([['pr', { ...operand!, budgets: [] }]]) }], []);
    expect(gate.saved).toEqual(['base.json']);
    expect(gate.comparisons[0]!.config).toEqual([{ path: 'moeprof', base: '0.0.9', candidate: '0.1.0' }]);
  });
});

describe('ranges of metrics', () => {
  it('hold the sample, and are not wider than their unit says but for the few that are listed', () => {
    for (const [name, { value }] of Object.entries(sampleResult().metrics)) {
      expect(value, name).toBeGreaterThanOrEqual(rangeOf(name)[0]);
      expect(value, name).toBeLessThanOrEqual(rangeOf(name)[1]);
    }
    const signed = [...METRICS.keys()].filter((name) => rangeOf(name)[0] < 0);
    expect(signed).toEqual([
      'prefetch.stall_avoided',
      'prefetch.stall_avoided_per_byte',
      'variant.activations_saved',
      'variant.flops_saved',
      'rerank.hit_rate_gained',
      'memory.gpu.saving',
    ]);
  });
});

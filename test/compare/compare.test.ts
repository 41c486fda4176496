// The gate: what passes, what fails, what cannot be compared. Every figure is small enough to check by hand.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { compareResults, type Row } from '../../src/compare/compare.js';
import { compareAll } from '../../src/compare/gate.js';
import { judgeResult } from '../../src/compare/judge.js';
import { changeOf } from '../../src/result/amount.js';
import { type Budget, budgetsOf, budgetsSchema, parseAssertion, parseFailOn } from '../../src/result/budget.js';
import { type SampleChanges, sampleResult } from '../result/sample.js';

const base = { label: 'main.json', result: sampleResult() };

function compare(changes: SampleChanges, budgets: readonly Budget[] = [], allow = false): ReturnType<typeof compareResults> {
  return compareResults(base, { label: 'pr.json', result: sampleResult(changes) }, budgets, { allowDifferentInputs: allow });
}

function regression(metric: string, max_regression: string, level: 'error' | 'warn' = 'error'): Budget[] {
  return budgetsOf(budgetsSchema.parse([{ metric, max_regression, level }]), () => 'b.yaml');
}

function limit(metric: string, text: string): Budget[] {
  return budgetsOf(budgetsSchema.parse([{ metric, limit: text, level: 'error' }]), () => 'b.yaml');
}

function row(comparison: ReturnType<typeof compareResults>, metric: string): Row {
  return comparison.rows.find((one) => one.metric === metric)!;
}

describe('the order of what changed', () => {
  it('begins with broken budgets, the figure that is furthest beyond its limit first', () => {
    // 30.8 -> 31.416 ms is +2 %, once beyond +1 %; 880 -> 1144 ms is +30 %, a quarter beyond +24 %. What no budget names is worse by 50 %.
    const metrics = { 'latency.tpot.p50': 31.416e6, 'latency.ttft.p50': 1144e6, 'latency.itl.p50': 44.85e6 };
    const budgets = [parseFailOn('latency.tpot.p50 > +1%'), ...regression('latency.ttft.p50', '24%')];
    const names = (all: readonly { readonly metric: string }[]): string[] => all.map(({ metric }) => metric).slice(0, 2);
    const comparison = compare({ metrics }, budgets);
    expect(comparison.rows.map(({ metric }) => metric)).toEqual(['latency.tpot.p50', 'latency.ttft.p50', 'latency.itl.p50']);
    expect(names(comparison.findings)).toEqual(['latency.tpot.p50', 'latency.ttft.p50']);
    // Now the first token is further beyond: +30 % of +10 %, twice.
    const turned = compare({ metrics }, [budgets[0]!, ...regression('latency.ttft.p50', '10%')]);
    expect(names(turned.rows)).toEqual(['latency.ttft.p50', 'latency.tpot.p50']);
    const ceiling = compare({ metrics }, [budgets[0]!, ...limit('latency.ttft.p50', '<= 1100ms')]);
    expect(names(ceiling.rows)).toEqual(['latency.tpot.p50', 'latency.ttft.p50']);
  });
});

describe('comparison', () => {
  it('finds no difference in an identical rerun', () => {
    const comparison = compare({}, [...regression('*', '0%'), parseFailOn('latency.tpot.p50 > +0%')]);
    expect(comparison).toMatchObject({ rows: [], findings: [], passed: true, config: [], inputs: [] });
    expect(comparison.unchanged).toBe(Object.keys(base.result.metrics).length);
  });

  it('takes for no change what rounding moves: less than 1e-12 of a figure', () => {
    // 30.8 ms and 83.9 %, one part in 1e14 and in 1e13 away: sums of the same terms in another order.
    const metrics = { 'latency.tpot.p50': 30.8e6 * (1 + 1e-14), 'cache.hit_rate': 0.839 * (1 - 1e-13) };
    const budgets = [...regression('*', '0%'), parseFailOn('latency.tpot.p50 > +0%'), parseFailOn('latency.tpot.p50 != +0ms')];
    const comparison = compare({ metrics }, budgets);
    expect(comparison).toMatchObject({ rows: [], findings: [], passed: true, explanation: null });
    expect(comparison.unchanged).toBe(Object.keys(base.result.metrics).length);
    // A hundred times as much is a change.
    const more = compare({ metrics: { 'latency.tpot.p50': 30.8e6 * (1 + 1e-11) } }, regression('*', '0%'));
    expect(row(more, 'latency.tpot.p50')).toMatchObject({ direction: 'worse', verdict: 'fail' });
    expect(more.rows).toHaveLength(1);
    // So is any from zero, and a limit sees the figure itself.
    expect(changeOf(0, 1e-20)).toBe(1e-20);
    expect(compare({ metrics }, limit('latency.tpot.p50', '<= 30.8ms')).passed).toBe(false);
  });

  it('does not look at how far off predictions may be', () => {
    const accuracy = { decode: { low: 0.9, high: 1.1, rows: 41, machines: 9, common: 'all' }, prefill: null };
    const wider = { label: 'pr.json', result: { ...sampleResult(), accuracy } };
    expect(compareResults(base, wider, regression('*', '0%'), { allowDifferentInputs: false })).toMatchObject({ rows: [], passed: true });
  });

  it('shows every change of an exact metric, with its direction', () => {
    const comparison = compare({
      metrics: { 'latency.tpot.p50': 32.34e6, 'cache.hit_rate': 0.849, 'cache.miss_rate': 0.13, 'time.dense': 8.2e9 },
    });
    expect(comparison.passed).toBe(true);
    expect(row(comparison, 'latency.tpot.p50')).toMatchObject({ change: 1.54e6, direction: 'worse', verdict: 'none' });
    expect(row(comparison, 'latency.tpot.p50').relative).toBeCloseTo(0.05, 12);
    expect(row(comparison, 'cache.hit_rate').direction).toBe('better');
    expect(row(comparison, 'cache.miss_rate').direction).toBe('better');
    expect(row(comparison, 'time.dense').direction).toBe('neutral');
  });

  it('puts broken budgets first, then those that hold, then the worst, what is missing after what got better', () => {
    const metrics = {
      'cache.evictions': 122_143,
      'latency.tpot.p50': 33e6,
      'latency.itl.p50': 45e6,
      'throughput.total': 40,
      'time.cpu': null,
    };
    const budgets = [parseFailOn('cache.evictions > +0'), parseFailOn('throughput.total < 1')];
    expect(compare({ metrics }, budgets).rows.map((one) => one.metric)).toEqual([
      'cache.evictions',
      'throughput.total',
      'latency.itl.p50',
      'latency.tpot.p50',
      'time.cpu',
    ]);
  });
});

describe('the set-up of two runs', () => {
  it('lists what differs in the set-up', () => {
    const config = { cache: { policy: 's3-fifo', scope: 'layer', capacity: '25%' }, workload: { batch: 1, tokens: 2000 }, more: [1] };
    expect(compare({ config, inputs: { system: 'other' } }).config).toEqual([
      { path: 'cache.policy', base: 'lru', candidate: 's3-fifo' },
      { path: 'more', base: '-', candidate: '[1]' },
      { path: 'system', base: 'on-demand-lru', candidate: 'other' },
    ]);
  });

  it('does not take prose for a difference', () => {
    const of = (words: string) => ({
      system: { name: 'x', cites: words, simplifies: words, predictor: { parameters: { source: words, recall: 1 } } },
      machine: { gpus: [{ source: words }] },
    });
    const saved = { label: 'a', result: sampleResult({ config: of('one paper') }) };
    expect(compareResults(saved, { label: 'b', result: sampleResult({ config: of('another paper') }) }, []).config).toEqual([]);
  });

  it('says what a system changes once, by the system', () => {
    const changed = { system: { cache: { policy: 'lru' } }, overrides: { system: [{ path: 'cache.policy', value: 'lru' }], model: [] } };
    const plain = { system: { cache: { policy: 'sieve' } }, overrides: { model: [] } };
    const saved = { label: 'a', result: sampleResult({ config: changed }) };
    expect(compareResults(saved, { label: 'b', result: sampleResult({ config: plain }) }, []).config).toEqual([
      { path: 'system.cache.policy', base: 'lru', candidate: 'sieve' },
    ]);
  });

  it('refuses other inputs with exit code 3, names them, and compares when allowed', () => {
    const changes: SampleChanges = { fingerprint: 'other', inputs: { hardware: 'a10' } };
    try {
      compare(changes);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      expect(error).toMatchObject({ exitCode: 3 });
      expect((error as UserError).message).toBe(
        'pr.json: not comparable with main.json: hardware rtx-4090 -> a10; rerun with the same inputs, or pass --allow-different-inputs',
      );
    }
    expect(compare(changes, [], true)).toMatchObject({ passed: true, inputs: [{ path: 'hardware', base: 'rtx-4090', candidate: 'a10' }] });
    expect(() => compare({ fingerprint: 'feed' })).toThrow(/fingerprint c0ffeec0ffee -> feed/);
  });
});

describe('several candidates', () => {
  it('fails all where one of several candidates fails', () => {
    const good = { label: 'a.json', result: sampleResult() };
    const bad = { label: 'b.json', result: sampleResult({ metrics: { 'latency.tpot.p50': 40e6 } }) };
    const gate = compareAll(base, [good, bad], [parseFailOn('latency.tpot.p50 > +3%')]);
    expect(gate.passed).toBe(false);
    expect(gate.comparisons.map((comparison) => comparison.passed)).toEqual([true, false]);
  });
});

describe('budgets', () => {
  // 30.8 ms x 1.03 = 31.724 ms.
  it.each([
    [31.72e6, true],
    [31.73e6, false],
    [20e6, true],
  ])('latency.tpot.p50 > +3%% with %d ns in place of 30.8 ms: passed %s', (value, passed) => {
    expect(compare({ metrics: { 'latency.tpot.p50': value } }, [parseFailOn('latency.tpot.p50 > +3%')]).passed).toBe(passed);
    expect(compare({ metrics: { 'latency.tpot.p50': value } }, regression('latency.tpot.p50', '3%')).passed).toBe(passed);
  });

  it('catches a planted regression of 1 % under a budget of 0.5 %, and says by how much', () => {
    const comparison = compare({ metrics: { 'latency.tpot.mean': 31.2e6 * 1.01 } }, regression('latency.tpot.*', '0.5%'));
    expect(comparison.passed).toBe(false);
    expect(comparison.findings).toHaveLength(1);
    expect(comparison.findings[0]!.message).toBe('31.2 ms -> 31.5 ms (+1.0 %) is worse by more than 0.5%');
  });

  it('takes amounts joined by "and" together', () => {
    const both = regression('latency.tpot.p50', '3% and 2ms');
    expect(compare({ metrics: { 'latency.tpot.p50': 32e6 } }, both).passed).toBe(true);
    expect(compare({ metrics: { 'latency.tpot.p50': 33e6 } }, both).passed).toBe(false);
  });

  it('knows which way is worse', () => {
    const budget = regression('cache.hit_rate', '0.5pp');
    expect(compare({ metrics: { 'cache.hit_rate': 0.833 } }, budget).passed).toBe(false);
    expect(compare({ metrics: { 'cache.hit_rate': 0.835 } }, budget).passed).toBe(true);
    expect(compare({ metrics: { 'cache.hit_rate': 0.95 } }, budget).passed).toBe(true);
    // A metric that is neither better nor worse either way may not move at all.
    expect(compare({ metrics: { 'experts.demanded': 700_000 } }, regression('experts.demanded', '1%')).passed).toBe(false);
  });

  it('judges the value itself where the amount has no sign', () => {
    expect(compare({}, [parseFailOn('latency.tpot.p50 > 30ms')]).passed).toBe(false);
    expect(compare({}, [parseFailOn('cache.hit_rate < 80%')]).passed).toBe(true);
    expect(compare({}, limit('latency.ttft.p99', '<= 1.5s')).passed).toBe(true);
    expect(compare({}, limit('latency.ttft.p99', '>= 1s and <= 1.4s')).findings[0]!.message).toBe('1.49 s is not >= 1s and <= 1.4s');
  });

  it('judges a change from zero absolutely, and never says Infinity', () => {
    const zero = { label: 'main.json', result: sampleResult({ metrics: { 'cache.streamed': 0 } }) };
    const some = { label: 'pr.json', result: sampleResult({ metrics: { 'cache.streamed': 2 } }) };
    expect(compareResults(zero, some, [parseFailOn('cache.streamed > +1000%')]).passed).toBe(false);
    expect(compareResults(zero, some, [parseFailOn('cache.streamed > +10% and +3')]).passed).toBe(true);
    expect(compareResults(zero, zero, [parseFailOn('cache.streamed > +0%')]).passed).toBe(true);
    const comparison = compareResults(zero, some, [parseFailOn('cache.streamed > +0')]);
    expect(comparison.findings[0]!.message).toBe('0 -> 2 (+2) is > +0');
    expect(row(comparison, 'cache.streamed').relative).toBeNull();
    expect(JSON.stringify(comparison)).not.toMatch(/Infinity|NaN/);
  });
});

describe('budgets of metrics that come and go', () => {
  it('fails where a metric has vanished that a budget names, and shows one that none names', () => {
    const vanished = compare({ metrics: { 'latency.ttft.p50': null } });
    expect(vanished).toMatchObject({ passed: true, findings: [] });
    expect(row(vanished, 'latency.ttft.p50')).toMatchObject({ direction: 'missing', verdict: 'none' });
    for (const named of ['latency.ttft.p50 > +3%', 'latency.* > +3%']) {
      expect(compare({ metrics: { 'latency.ttft.p50': null } }, [parseFailOn(named)])).toMatchObject({
        passed: false,
        findings: [{ metric: 'latency.ttft.p50', message: 'is missing in the candidate', budget: { place: '--fail-on' } }],
      });
    }
    // Named by a budget, in neither run.
    expect(compare({}, [parseFailOn('transfer.ssd.bytes > +3%')])).toMatchObject({ passed: false });
    expect(compare({}, limit('transfer.ssd.*', '< 1GiB')).findings[0]!.message).toBe('is missing: no run has it');
  });

  it('names new metrics, and fails them only where a budget names them and needs a base', () => {
    const metrics = { 'transfer.ssd.bytes': 5 };
    expect(row(compare({ metrics }), 'transfer.ssd.bytes').direction).toBe('new');
    expect(compare({ metrics }, regression('transfer.*', '1%')).passed).toBe(true);
    expect(compare({ metrics }, regression('transfer.ssd.bytes', '1%')).passed).toBe(false);
    expect(compare({ metrics }, limit('transfer.ssd.bytes', '< 1GiB')).passed).toBe(true);
  });
});

describe('the level of a budget', () => {
  it('shows a broken warn and passes', () => {
    const comparison = compare({ metrics: { 'latency.tpot.p50': 40e6 } }, regression('latency.tpot.p50', '3%', 'warn'));
    expect(comparison).toMatchObject({ passed: true, findings: [{ level: 'warn' }] });
    expect(row(comparison, 'latency.tpot.p50').verdict).toBe('warn');
  });

  it('lets off cancel what stands before it, for its metrics only', () => {
    const off = budgetsOf(budgetsSchema.parse([{ metric: 'latency.tpot.p50', level: 'off', reason: 'known' }]), () => 'b.yaml');
    const changes = { metrics: { 'latency.tpot.p50': 40e6, 'latency.tpot.p95': 50e6 } };
    const all = regression('latency.tpot.*', '3%');
    const comparison = compare(changes, [...all, ...off]);
    expect(comparison.findings.map((finding) => finding.metric)).toEqual(['latency.tpot.p95', 'latency.tpot.p50']);
    expect(comparison.findings[1]).toMatchObject({ level: 'warn', message: 'is not looked at: known' });
    expect(row(comparison, 'latency.tpot.p50')).toMatchObject({ verdict: 'off', reason: 'known' });
    expect(compare(changes, [...off, ...all]).findings.filter(({ level }) => level === 'error')).toHaveLength(2);
    expect(compare({ metrics: { 'latency.tpot.p50': null } }, off).passed).toBe(true);
  });
});

describe('conditions on the command line', () => {
  it.each([
    [
      'latency.tpot.p50 > 3%',
      /--fail-on: latency\.tpot\.p50: 3% without a sign is a share; write \+3% for a change, or a duration such as 45ms/,
    ],
    ['latency.tpot.p50 > +0.5pp', /percentage points \(pp\) are for shares/],
    ['cache.hit_rate < 0.5pp', /0\.5pp is a change and needs its sign/],
    ['latency.tpot.p50 > 3GiB', /"3GiB" does not fit; write a duration such as 45ms/],
    ['latency.tpot.p50 > 3', /"3" does not fit; write a duration such as 45ms/],
    ['tpot > +3%', /there is no metric "tpot"; did you mean "latency\.tpot\.mean"/],
    ['cache.evictions > 3ms', /"3ms" does not fit; write a number such as 1200/],
    ['throughput.decode < -3%', /there is no metric "throughput\.decode" any more, .*; write speed\.decode, or throughput\.generated/],
    ['latency.tpott.p50 > +3%', /there is no metric "latency\.tpott\.p50"; did you mean "latency\.tpot\.p50"/],
  ])('refuses %j once it meets the metric', (text, message) => {
    expect(() => compare({}, [parseFailOn(text)])).toThrow(message);
  });

  it('never passes a worsening beyond the budget, whatever the figures', () => {
    const figure = fc.double({ min: 1e-3, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(figure, figure, fc.integer({ min: 0, max: 50 }), (before, after, percent) => {
        const from = { label: 'a', result: sampleResult({ metrics: { 'latency.pass.mean': before } }) };
        const to = { label: 'b', result: sampleResult({ metrics: { 'latency.pass.mean': after } }) };
        const change = (after - before) / before - percent / 100;
        // A change in the last bits is none, on either side of the budget.
        fc.pre(!(change > 0 && change < 1e-11));
        const worse = change > 0;
        expect(compareResults(from, to, regression('latency.pass.mean', `${percent}%`)).passed).toBe(!worse);
        expect(compareResults(from, to, [parseFailOn(`latency.pass.mean > +${percent}%`)]).passed).toBe(!worse);
      }),
    );
  });
});

describe('one result alone', () => {
  it('is judged by limits; rules against a base do not apply', () => {
    const result = sampleResult();
    expect(
      judgeResult(result, [parseAssertion('cache.hit_rate >= 80%'), parseFailOn('latency.tpot.p50 > +3%'), ...regression('*', '1%')]),
    ).toEqual([]);
    expect(judgeResult(result, [parseAssertion('cache.hit_rate >= 90%')])).toMatchObject([
      { level: 'error', message: '83.9 % is not >= 90%' },
    ]);
    expect(judgeResult(result, [parseAssertion('transfer.ssd.bytes < 1GiB')])).toMatchObject([{ message: 'is missing: no run has it' }]);
  });
});

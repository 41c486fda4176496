// How a gate is shown, in all formats.
import { describe, expect, it } from 'vitest';
import { compareAll, type Gate } from '../../../src/compare/gate.js';
import { compareReports } from '../../../src/compare/reports/index.js';
import { simulate } from '../../../src/engine/simulate.js';
import type { ReportOptions } from '../../../src/report/format.js';
import { budgetsOf, budgetsSchema, parseFailOn } from '../../../src/result/budget.js';
import { sampleResult } from '../../result/sample.js';

const plain: ReportOptions = { color: false, width: 80, unicode: true, verbose: false };

function render(name: string, gate: Gate, options: Partial<ReportOptions> = {}): string {
  return compareReports.find((format) => format.name === name)!.render(gate, { ...plain, ...options });
}

const base = { label: 'main.json', result: sampleResult({ metrics: { 'cache.streamed': 0 } }) };
const candidate = {
  label: 'pr.json',
  result: sampleResult({
    metrics: { 'latency.tpot.p50': 32.1e6, 'cache.hit_rate': 0.844, 'cache.streamed': 3, 'transfer.on_demand.bytes_per_token': 170e6 },
    config: { cache: { policy: 's3-fifo', scope: 'layer', capacity: '25%' }, workload: { batch: 1, tokens: 2000 } },
  }),
};
const budgets = [
  parseFailOn('latency.tpot.p50 > +3%'),
  ...budgetsOf(budgetsSchema.parse([{ metric: 'cache.hit_rate', max_regression: '0.5pp', level: 'error' }]), () => 'budgets.yaml:3:5'),
];
const failed = compareAll(base, [candidate], budgets);

describe('the table of a comparison', () => {
  it('shows verdict, faults, causes, changes and set-up in a table, in this order', () => {
    expect(render('table', failed)).toBe(`main.json → pr.json
Failed: 1 fault.
FAIL latency.tpot.p50 30.8 ms -> 32.1 ms (+4.2 %) is > +3% (--fail-on)
A token takes as long as before; the hit rate goes from 83.9 % to 84.4 %
(+0.50 pp).

metric                                   base  candidate    change
───────────────────────────────────────────────────────────────────────────
✗ latency.tpot.p50                    30.8 ms    32.1 ms    +4.2 %  worse
✓ cache.hit_rate                       83.9 %     84.4 %  +0.50 pp  better
  transfer.on_demand.bytes_per_token  157 MiB    162 MiB    +3.4 %  worse
  cache.streamed                            0          3        +3  neutral

${Object.keys(base.result.metrics).length - 4} metrics are equal.
config cache.policy: lru → s3-fifo
Inputs are as saved, not computed here: main.json, pr.json.
`);
  });

  it('fits 80 columns in Unicode and ASCII, and shortens names before figures', () => {
    for (const options of [{}, { unicode: false }, { width: 60 }]) {
      for (const line of render('table', failed, options).split('\n')) expect([...line].length).toBeLessThanOrEqual(options.width ?? 80);
    }
    expect(render('table', failed, { unicode: false })).toMatch(/^[\x20-\x7e\n]*$/);
    expect(render('table', failed, { width: 60 })).toMatch(/30\.8 ms +32\.1 ms/);
  });

  it('shows twelve rows, faults and settings at a glance, and all where it is asked', () => {
    const names = Object.keys(base.result.metrics)
      .filter((name) => base.result.metrics[name]!.value > 0)
      .slice(0, 20);
    const metrics = Object.fromEntries(names.map((name) => [name, base.result.metrics[name]!.value / 2]));
    const config = Object.fromEntries(names.map((name) => [name.replaceAll('.', '-'), 'other']));
    const many = compareAll(
      base,
      [{ label: 'pr.json', result: sampleResult({ metrics: { ...metrics, 'cache.streamed': 0 }, config }) }],
      [parseFailOn('* < -1%')],
    );
    const faults = many.comparisons[0]!.findings.length;
    const lines = render('table', many).split('\n');
    expect(lines.slice(0, 2)).toEqual(['main.json → pr.json', `Failed: ${faults} faults.`]);
    expect(lines).toContain(`and ${faults - 12} more faults: --all`);
    expect(lines).toContain('and 8 more changed metrics: --all');
    expect(lines.filter((line) => /^[✗ ] [a-z_]+\./.test(line))).toHaveLength(12);
    const all = render('table', many, { verbose: true });
    expect(all.match(/^[✗ ] [a-z_]+\./gm)).toHaveLength(20);
    expect(all).not.toContain('--all');
  });
});

describe('the verdict of a comparison', () => {
  it('finds one fault where a system trades hits for speed, and says so within fourteen lines', async () => {
    const toy = {
      model: 'mixtral-8x7b',
      hardware: 'rtx-3090',
      memory: { expertCache: '25%' },
      workload: { tokens: 256 },
      seed: 2,
      trace: 'synthetic',
      runtime: 'hf-eager',
    };
    const [before, after] = [await simulate({ ...toy, system: 'mixtral-offloading' }), await simulate({ ...toy, system: 'fiddler' })];
    const gate = compareAll(
      { label: 'mixtral-offloading.json', result: before },
      [{ label: 'fiddler.json', result: after }],
      [parseFailOn('latency.tpot.mean > +3%'), parseFailOn('cache.hit_rate < -1pp')],
      { allowDifferentInputs: true },
    );
    expect(gate.comparisons[0]!.findings.map(({ metric }) => metric)).toEqual(['cache.hit_rate']);
    const lines = render('table', gate).split('\n');
    expect(lines[1]).toBe('Failed: 1 fault.');
    expect(lines[2]).toMatch(/^FAIL cache\.hit_rate /);
    expect(lines.slice(0, 14).filter((line) => /^(time|kinds|layers) {2,}\S/.test(line))).toHaveLength(3);
    expect(lines.length).toBeLessThan(50);
    expect(render('markdown', gate).split('\n')[1]).toContain('Failed: 1 fault.');
  });

  it('colours only when asked', () => {
    expect(render('table', failed)).not.toContain('\u001b');
    const colored = render('table', failed, { color: true });
    expect(colored).toContain('\u001b[31m');
    expect(colored.replace(/\u001b\[[\d;]*m/gu, '').replace(/[ \t]+$/gm, '')).toBe(render('table', failed));
  });

  it('leads with the change in a sentence, and judges nothing without a budget', () => {
    const gate = compareAll(base, [candidate], []);
    const sentence = 'A token takes as long as before; the hit rate goes from 83.9 % to 84.4 % (+0.50 pp).';
    const unjudged = 'No budget was given, so nothing could fail.';
    expect(render('table', gate).replace(/\s+/g, ' ')).toContain(`main.json → pr.json ${unjudged} ${sentence}`);
    expect(render('markdown', gate)).toContain(`### ➖ main.json → pr.json: ${unjudged}\n\n${sentence}\n`);
    expect(render('html', gate)).toContain(`<p class="verdict soft">${unjudged}</p>`);
    const two = compareAll(base, [candidate, { ...candidate, label: 'other.json' }], []);
    expect(render('table', two).split('\n')[0]).toBe(`2 comparisons. ${unjudged}`);
  });

  it('says that nothing changed', () => {
    const text = render('table', compareAll(base, [base], budgets));
    expect(text).toMatch(/\nPassed\.\n\nNo difference: \d+ metrics are equal\.\nInputs are .*: main\.json, main\.json\.\n$/);
  });
});

describe('a comparison as JSON and Markdown', () => {
  it('writes JSON that tools can read', () => {
    const parsed = JSON.parse(render('json', failed)) as { schema: string } & Gate;
    expect(parsed.schema).toBe('moeprof.compare/1');
    expect(parsed.passed).toBe(false);
    expect(parsed.comparisons[0]!.rows[0]).toMatchObject({ metric: 'latency.tpot.p50', verdict: 'fail', direction: 'worse' });
    expect(parsed.comparisons[0]!.findings[0]).toMatchObject({ budget: { place: '--fail-on' } });
  });

  it('writes Markdown with a marker, the faults first, and names as text', () => {
    const hostile = compareAll({ ...base, label: '<b>main</b>' }, [{ ...candidate, label: 'a|b' }], budgets);
    const text = render('markdown', hostile);
    expect(text.split('\n')[0]).toBe('<!-- moeprof compare -->');
    expect(text).toContain('### ❌ &lt;b&gt;main&lt;/b&gt; → a\\|b: Failed: 1 fault.');
    expect(text).toContain('- ❌ **latency.tpot.p50** 30.8 ms -&gt; 32.1 ms (+4.2 %) is &gt; +3% (--fail-on)');
    expect(text).toContain('| latency.tpot.p50 | 30.8 ms | 32.1 ms | +4.2 % | worse ❌ |');
    expect(text).toContain('| config | cache.policy | lru | s3-fifo |');
    expect(text).not.toContain('<b>');
  });
});

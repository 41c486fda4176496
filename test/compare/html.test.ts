// Comparisons as HTML: verdict and both runs beside one another, complete without a script, and no name of a run can become a tag.
import { beforeAll, describe, expect, it } from 'vitest';
import { compareAll, compareSets, type Gate, type OperandSet } from '../../src/compare/gate.js';
import { htmlFormat } from '../../src/compare/reports/html.js';
import { jsonFormat } from '../../src/compare/reports/json.js';
import { simulate } from '../../src/engine/simulate.js';
import { budgetsOf, budgetsSchema, parseFailOn } from '../../src/result/budget.js';
import type { Result } from '../../src/result/result.js';
import { type SampleChanges, sampleResult } from '../result/sample.js';
import { pageData } from '../support/page.js';

const plain = { color: false, width: 80, unicode: true, verbose: false };
const render = (gate: Gate): string => htmlFormat.render(gate, plain);
const operand = (label: string, changes: SampleChanges = {}) => ({ label, result: sampleResult(changes) });
const HOSTILE = `</script><script>alert(1)</script><img src=x onerror="alert('2')">`;
const sections = (text: string): string[] => [...text.matchAll(/<section id="([^"]*)"/g)].map(([, id]) => id!);

// One of them has a stand-in for a gate.
const allowed = { allowDifferentInputs: true };
let runs: [Result, Result];
beforeAll(async () => {
  const toy = { model: 'olmoe-1b-7b', hardware: 'rtx-3090', workload: { tokens: 24 }, trace: 'synthetic', runtime: 'llama.cpp' };
  runs = [
    await simulate({ ...toy, system: 'on-demand-lru' }, { details: true }),
    await simulate({ ...toy, system: 'mixtral-offloading' }, { details: true }),
  ];
});

describe('HTML of a comparison', () => {
  it('draws every picture of two runs with details, fewer without, causes where they are asked for', () => {
    const [base, candidate] = runs.map((result, index) => ({ label: `${index}.json`, result }));
    const all = ['budgets', 'changes', 'causes', 'setup', 'time', 'layers', 'latency', 'capacity', 'loads', 'prefetch', 'provenance'];
    expect(sections(render(compareAll(base!, [candidate!], [], { ...allowed, explain: true })))).toEqual(all);
    expect(sections(render(compareAll(base!, [candidate!], [], allowed)))).toEqual(all.filter((id) => id !== 'causes'));
    const bare = compareAll(operand('a'), [operand('b', { metrics: { 'cache.hit_rate': 0.9 } })], []);
    expect(sections(render(bare))).toEqual(['budgets', 'changes', 'time', 'layers', 'latency', 'provenance']);
  });

  it('puts both runs upon the curve of capacity where they make the same demand of the same experts', async () => {
    const [base] = runs;
    const { config, metrics } = base;
    const better = { ...base, metrics: { ...metrics, 'cache.hit_rate': { ...metrics['cache.hit_rate']!, value: 0.5 } }, config };
    const text = render(compareAll({ label: 'a', result: base }, [{ label: 'b', result: better }], []));
    const section = /<section id="capacity".*?<\/section>/s.exec(text)![0];
    expect(section.match(/class="dot/g)).toHaveLength(2);
    expect(section).toContain('b hits 50.0 %');
  });

  it('says verdict, figures and changes as the other formats do', () => {
    const budgets = budgetsOf(
      budgetsSchema.parse([{ metric: 'latency.tpot.p50', max_regression: '3%', level: 'error' }]),
      () => 'ci/budgets.yaml:3:5',
    );
    const changed = operand('pr.json', { metrics: { 'latency.tpot.p50': 33e6, 'latency.tpot.mean': 32.76e6, 'cache.hit_rate': 0.844 } });
    const text = render(compareAll(operand('main.json'), [changed], [...budgets, parseFailOn('cache.hit_rate < -1pp')]));
    expect(text).toContain('Failed: 1 fault.');
    // 32.76 against a mean of 31.2 ms is 5 % more; 84.4 against 83.9 % is half a point.
    expect(text.replaceAll('\u00a0', ' ')).toContain(
      'A token takes 32.8 ms instead of 31.2 ms (+5.0 %) on average; the hit rate goes from 83.9 % to 84.4 % (+0.50 pp).',
    );
    expect(text).toContain('ci/budgets.yaml:3:5');
    expect(text).toContain('<summary>1 metric is within budget</summary><ul><li>cache.hit_rate</li></ul>');
    expect(text).toContain('<span class="worse">+7.1 %</span>');
    expect(text).toContain('<span class="better">+0.50 pp</span>');
  });

  it('draws the GPU’s time of both runs upon one scale', () => {
    const parts = { 'time.dense': 0, 'time.compute': 0, 'time.cpu': 0 };
    const base = operand('a', { metrics: { ...parts, 'time.total': 8e9, 'time.stall': 8e9 } });
    const half = operand('b', { metrics: { ...parts, 'time.total': 4e9, 'time.stall': 4e9 } });
    const section = /<section id="time".*?<\/section>/s.exec(render(compareAll(base, [half], [])))![0];
    expect([...section.matchAll(/<i style="width:([\d.]+)%/g)].map(([, width]) => Number(width))).toEqual([100, 50]);
  });
});

describe('the page of a gate', () => {
  it('opens a gate of several with a row for each, and draws those that differ', () => {
    const set = (label: string, scenarios: Record<string, SampleChanges>): OperandSet => ({
      label,
      folder: true,
      scenarios: new Map(Object.entries(scenarios).map(([name, changes]) => [name, operand(`${label}/${name}.json`, changes)])),
    });
    const gate = compareSets(
      set('base', { code: {}, math: {}, gone: {} }),
      [set('pr', { code: { metrics: { 'cache.hit_rate': 0.9 } }, math: {}, added: {} })],
      [],
    );
    const text = render(gate);
    expect(text.match(/<article /g)).toHaveLength(1);
    expect(text).toContain('<a href="#c0">base/code.json → pr/code.json</a>');
    expect(text).toContain('no difference');
    expect(text).toContain('<b>scenario gone</b> is missing');
    expect(text).toContain('<b>added</b> is new in pr');
    const ids = [...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, anchor] of text.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(anchor);
  });

  it('carries the gate as data, where its heatmaps are read from, and the changes as CSV', () => {
    const gate = compareAll({ label: 'a', result: runs[0] }, [{ label: 'b', result: runs[1] }], [], allowed);
    const text = render(gate);
    const { pictures, ...data } = pageData(text) as { pictures: { base: { loads: number[][] }; candidate: { loads: number[][] } }[] };
    expect(data).toEqual(JSON.parse(jsonFormat.render(gate, plain)));
    expect([...text.matchAll(/data-heat="([^"]*)"/g)].map(([, path]) => path)).toEqual([
      'pictures.0.base.loads',
      'pictures.0.candidate.loads',
    ]);
    expect(pictures[0]!.candidate.loads).toEqual(runs[1].details!.loads);
    const address = /download="changes.csv" href="data:text\/csv;charset=utf-8,([^"]*)"/.exec(text)![1]!;
    expect(decodeURIComponent(address)).toMatch(/^base,candidate,scenario,metric,/);
  });

  it('asks for nothing from outside, and is small but for its data', () => {
    const text = render(compareAll({ label: 'a', result: runs[0] }, [{ label: 'b', result: runs[1] }], [], { ...allowed, explain: true }));
    expect(text.replace(/(?:https?:\/\/)?github\.com[^<"\s]*/g, '')).not.toMatch(/@import|<link|\bsrc=|url\(/);
    expect(text.length - JSON.stringify(pageData(text)).length).toBeLessThan(500_000);
  });
});

describe('names and messages in HTML', () => {
  it('keeps hostile names and messages as text', () => {
    const hostile: SampleChanges = {
      inputs: { model: HOSTILE, hardware: HOSTILE, system: HOSTILE },
      warnings: [{ code: HOSTILE, message: HOSTILE }],
      config: { [HOSTILE]: HOSTILE },
      fingerprint: HOSTILE,
    };
    const gate = (changes: SampleChanges, name: string): Gate =>
      compareSets(
        { label: name, folder: true, scenarios: new Map([[name, operand(name)]]) },
        [
          {
            label: name,
            folder: true,
            scenarios: new Map([
              [name, operand(name, changes)],
              [`new ${name}`, operand(name)],
            ]),
          },
        ],
        [parseFailOn('cache.hit_rate < 99%')],
        { allowDifferentInputs: true, explain: true },
      );
    const text = render(gate(hostile, HOSTILE));
    expect(text).toContain('&#60;img src=x');
    expect(text).not.toContain('<img');
    expect(text.match(/<script/g)).toHaveLength(1);
  });
});

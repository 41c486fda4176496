// What a validation looks like: 80 columns, the worst first, names escaped.
import { describe, expect, it } from 'vitest';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { validationReports } from '../../../src/measured/validate/report.js';
import { validationOf } from '../../../src/measured/validate/summary.js';
import type { ReportOptions } from '../../../src/report/format.js';
import { measurement } from './rows.js';

const options: ReportOptions = { color: false, width: 80, unicode: true, verbose: false };
const names = Array.from({ length: 20 }, (_, i) => `row-${String(i).padStart(2, '0')}`);
const rows = [
  ...names.map((id, i) => measurement({ id, measured: { tg_tps: 100 }, machine: { ...measurement().machine, name: `box-${i % 3}` } })),
  measurement({ id: '<b>&"', measured: { tg_tps: 100, pp_tps: 1234.5 }, pathology: 'paging', scorable: { tg: false, pp: true } }),
];
const predictions = rows.map((_, i) => ({ figures: { decode: 100 + i, prefill: 2469 }, lacks: null }));
const validation = validationOf(['a.jsonl', 'b.jsonl'], rows, predictions, new Map([['llama.cpp', loadRuntime('llama.cpp')]]));
const render = (name: string, more: Partial<ReportOptions> = {}): string =>
  validationReports.find((format) => format.name === name)!.render(validation, { ...options, ...more });

describe('the table', () => {
  it.each([{}, { verbose: true }, { unicode: false }, { verbose: true, width: 60 }])('keeps its width with %j', (more) => {
    const width = (more as { width?: number }).width ?? 80;
    for (const line of render('table', more).split('\n')) expect([...line].length, line).toBeLessThanOrEqual(width);
  });

  it('has the worst rows first, and all of them with --verbose', () => {
    const text = render('table');
    const order = [...text.matchAll(/^(row-\d\d|<b>\S*)/gm)].map(([name]) => name);
    expect(order.slice(0, 3)).toEqual(['<b>&"', 'row-19', 'row-18']);
    expect(order.length).toBe(15);
    expect(render('table', { verbose: true })).toContain('row-00');
    expect(text).toMatch(/listed, not scored, because +figures\n.*\npathology: paging +1/);
  });
});

it('CSV has every figure of every row', () => {
  const lines = render('csv').trimEnd().split('\n');
  expect(lines.length).toBe(1 + 22);
  expect(lines[0]).toBe('id,metric,machine,model,family,measured,predicted,error,scored,reason,low,high,device,kind');
  expect(lines.at(-1)).toBe('"<b>&""",prefill,box,gpt-oss-20b,llama.cpp / fp / cpu-layers,1234.5,2469,1,yes,,,,,');
});

it('JSON is the validation itself', () => {
  expect(JSON.parse(render('json'))).toEqual(JSON.parse(JSON.stringify(validation)));
});

describe('the page', () => {
  const page = render('html');

  it('names every row under its point, and escapes what rows say', () => {
    const points = [...page.matchAll(/class="dot row[^"]*" style="left:[\d.]+%;bottom:[\d.]+%;--dot:var\(--\w+\)" title="([^"]*)"/g)];
    expect(points.length).toBe(21);
    expect(points.map(([, title]) => title)).toContain('row-19: 100 measured, 119 predicted (+19.0 %); gpt-oss-20b on box-1');
    expect(page).not.toContain('<b>&');
    expect(page).toContain('&#60;b&#62;&#38;&#34;: 1,235 measured, 2,469 predicted (+100.0 %)');
  });

  it('asks for nothing from anywhere', () => {
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/src="|href="http|url\(/);
  });
});

// The HTML report: complete without a script, asks for nothing from outside, and no name of a run can become a tag.
import { describe, expect, it } from 'vitest';
import { simulate } from '../../src/engine/simulate.js';
import { htmlReport } from '../../src/report/html/html.js';
import { embedJson, html } from '../../src/report/html/markup.js';
import { parseResult } from '../../src/result/read.js';
import { sampleResult } from '../result/sample.js';

const options = { color: false, width: 80, unicode: true, verbose: false };
const HOSTILE = `</script><script>alert(1)</script><img src=x onerror="alert('2')">`;
const toy = { model: 'olmoe-1b-7b', hardware: 'rtx-3090', workload: { tokens: 24 } };

describe('HTML report', () => {
  it('draws every picture of a run with details, and fewer without', async () => {
    const result = await simulate(toy, { details: true });
    const text = htmlReport.render(result, options);
    for (const id of ['time', 'layers', 'loads', 'capacity', 'links', 'latency', 'provenance'])
      expect(text).toContain(`<section id="${id}"`);
    const bare = htmlReport.render(sampleResult(), options);
    expect(bare).toContain('<section id="time"');
    expect(bare).not.toContain('<section id="loads"');
    expect(bare).toContain('moeprof run --details');
  });

  it('names nothing outside itself', async () => {
    const text = htmlReport.render(await simulate(toy, { details: true }), options);
    expect(text).not.toMatch(/https?:\/\/|@import|<link|\bsrc=|url\(/);
    expect(text.length).toBeLessThan(500_000);
  });

  it('keeps hostile names and messages as text', () => {
    const result = sampleResult({
      inputs: { model: HOSTILE, hardware: HOSTILE, system: HOSTILE },
      warnings: [{ code: HOSTILE, message: HOSTILE }],
      config: { [HOSTILE]: HOSTILE },
    });
    const text = htmlReport.render(result, options);
    const own = htmlReport.render(sampleResult(), options);
    expect(text).not.toContain('<img');
    expect(text.match(/<script/g)).toHaveLength(own.match(/<script/g)!.length);
    expect(html`<b title="${HOSTILE}">${HOSTILE}</b>`.text.match(/[<>"]/g)).toHaveLength(6);
    expect(embedJson({ a: HOSTILE }).text).not.toContain('<');
    expect(JSON.parse(embedJson({ a: HOSTILE }).text)).toEqual({ a: HOSTILE });
  });

  it('L1-L15 do not change by being watched, and details agree with the counters', async () => {
    const [plain, watched] = [await simulate(toy), await simulate(toy, { details: true })];
    expect(watched.digest).toBe(plain.digest);
    expect(plain.details).toBeUndefined();
    const { loads, series } = watched.details!;
    const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
    expect(total(loads.flat())).toBe(watched.metrics['transfer.h2d.count']!.value);
    expect(total(series.hits)).toBe(watched.metrics['cache.hits']!.value);
    expect(Math.abs(total(series.stallNs) - watched.metrics['time.stall']!.value)).toBeLessThan(1);
    expect(parseResult(JSON.stringify(watched), 'r.json').details).toEqual(watched.details);
  });
});

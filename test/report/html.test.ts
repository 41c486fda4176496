// The HTML report: complete without a script, asks for nothing from outside, and no name of a run can become a tag.
import { describe, expect, it } from 'vitest';
import { simulate } from '../../src/engine/simulate.js';
import { htmlReport } from '../../src/report/html/html.js';
import { distributionOf } from '../../src/report/html/sections/latency.js';
import { embedJson, html } from '../../src/report/page/markup.js';
import { table } from '../../src/report/page/pieces.js';
import { speedRange } from '../../src/report/words.js';
import { parseResult } from '../../src/result/read.js';
import type { Result } from '../../src/result/result.js';
import { sampleResult } from '../result/sample.js';
import { pageData } from '../support/page.js';

const options = { color: false, width: 80, unicode: true, verbose: false };
const HOSTILE = `</script><script>alert(1)</script><img src=x onerror="alert('2')">`;
const toy = { model: 'olmoe-1b-7b', hardware: 'rtx-3090', workload: { tokens: 24 } };

describe('HTML report', () => {
  it('draws every picture of a run with details, and fewer without', async () => {
    const result = await simulate(toy, { details: true });
    const text = htmlReport.render(result, options);
    for (const id of ['time', 'layers', 'loads', 'capacity', 'links', 'latency', 'offenders', 'provenance']) {
      expect(text).toContain(`<section id="${id}"`);
      expect(text).toContain(`<a href="#${id}">`);
    }
    expect(text).toContain('Experts that the GPU waits for longest');
    const bare = htmlReport.render(sampleResult(), options);
    expect(bare).toContain('<section id="time"');
    expect(bare).not.toContain('<section id="loads"');
    expect(bare).toContain('moeprof run --details');
  });

  it('tells of each kind of pass what takes time, and nothing of the CPU where it computes none', async () => {
    const text = htmlReport.render(await simulate({ ...toy, workload: { tokens: 24, prompt: 12, output: 12 } }), options);
    expect(text).toContain('<b>Passes that only decode</b>');
    expect(text).not.toContain('computes experts');
  });

  it('tells the capacity of each GPU where there are several', async () => {
    const run = { model: 'mini-finegrained-64x12l', memory: { expertCache: '50%' }, workload: { tokens: 24, batch: 2 } };
    const text = async (hardware: string) => htmlReport.render(await simulate({ ...run, hardware }, { details: true }), options);
    // 64 x 12 experts of 108 KiB: 81 MiB, half of them on each GPU.
    const several = await text('2x-rtx-4090');
    expect(several).toMatch(/This run hits [\d.]+ % with 20\.3 MiB on each of 2 GPUs, 50 % of the experts there\./);
    expect(several).toContain('capacity of the expert cache on each GPU');
    const one = await text('rtx-4090');
    expect(one).toMatch(/This run hits [\d.]+ % with 40\.5 MiB, 50 % of all experts\./);
    expect(one).not.toContain('on each GPU');
  });

  it('says beside a speed how far off it may be', () => {
    const near = { low: 0.5, high: 1.25, rows: 41, machines: 12, common: 'llama.cpp, k, cpu-layers' };
    const of = (accuracy: Result['accuracy']) => htmlReport.render({ ...sampleResult(), ...(accuracy && { accuracy }) }, options);
    const range = speedRange(near, sampleResult().metrics['speed.decode']!.value);
    expect(of({ decode: near, prefill: null })).toContain(`<small>(${range} for 80 % of 41 measurements of 12 machines)</small>`);
    expect(of({ decode: null, prefill: null })).toContain('<small>(no comparable measurement)</small>');
    expect(of(undefined)).not.toContain('comparable measurement');
  });
});

describe('tables and data of the HTML report', () => {
  it('tells what requests of each class waited and were given', () => {
    const latency = (p50: number) => ({ mean: p50, p50, p95: p50, p99: 2 * p50 });
    const common = { requests: 3, generated: 30, requestNs: null, choicesLost: 0, weightLost: null };
    const classes = [
      { ...common, name: HOSTILE, ttftNs: latency(5e6), tpotNs: latency(1e6), attained: 0.5, budget: null, degraded: 0 },
      { ...common, name: 'batch', ttftNs: null, tpotNs: latency(3e6), attained: 1, budget: 'copy=0.25', degraded: 0.25 },
    ];
    const render = (more: Partial<Result>) => htmlReport.render({ ...sampleResult(), ...more }, options);
    const text = render({ classes });
    const section = /<section id="classes"[\s\S]*?<\/section>/.exec(text)![0];
    expect(text).toContain('<a href="#classes">Classes of requests</a>');
    expect(section).toContain('Degraded are activations that copies of lower precision or other experts served. In time are');
    const cells = section.split('<tr>').map((row) => [...row.matchAll(/<t[hd][^>]*>([^<]*)</g)].map(([, cell]) => cell));
    expect(cells[1]).toEqual(['class', 'budget', 'requests', 'degraded', 'TTFT p50', 'TPOT p50', 'TPOT p99', 'in time']);
    expect(cells[2]!.slice(1)).toEqual(['all', '3', '0.0 %', '5.00 ms', '1.00 ms', '2.00 ms', '50.0 %']);
    expect(cells[3]).toEqual(['batch', 'copy=0.25', '3', '25.0 %', '', '3.00 ms', '6.00 ms', '100.0 %']);
    expect(section).not.toContain('<script>');
    const plain = render({ classes: classes.map(({ degraded: _, ...one }) => ({ ...one, attained: null, budget: null })) });
    expect(/<section id="classes"[\s\S]*?<\/section>/.exec(plain)![0]).not.toMatch(/budget|egraded|n time/);
    expect(render({})).not.toContain('id="classes"');
  });

  it('shows the name of a table once, where its head has the same', () => {
    const captionOf = (caption: string): string =>
      /<caption.*<\/caption>/.exec(`${table(caption, ['memory', 'free'], [['GPU', '1 GiB']])}`)![0];
    expect(captionOf('memory')).toBe('<caption class="again">memory</caption>');
    expect(captionOf('Devices')).toBe('<caption>Devices</caption>');
  });

  it('names nothing outside itself', async () => {
    const result = await simulate(toy, { details: true });
    const text = htmlReport.render(result, options);
    expect(text).not.toMatch(/https?:\/\/|@import|<link|\bsrc=|url\(/);
    expect(text.length).toBeLessThan(500_000);
    expect(text).toContain('Copyright (c) 2022 Leon Sorokin');
  });

  it('carries the result as data, and its tables as CSV', async () => {
    const result = await simulate(toy, { details: true });
    const text = htmlReport.render(result, options);
    const { causes: _, ...details } = result.details!;
    expect(pageData(text)).toEqual(JSON.parse(JSON.stringify({ ...result, details })));
    const files = [...text.matchAll(/download="([^"]*)" href="data:text\/csv;charset=utf-8,([^"]*)"/g)];
    expect(files.map(([, name]) => name)).toEqual(['metrics.csv', 'layers.csv', 'loads.csv', 'series.csv']);
    const [head, ...rows] = decodeURIComponent(files[3]![2]!).trim().split('\n');
    expect(head).toBe('start_ns,hits,late,misses,stall_ns,h2d_demand_ns,h2d_prefetch_ns');
    expect(rows).toHaveLength(details.series.hits.length);
  });
});

describe('pictures of few samples and of many', () => {
  it('draws few samples as a staircase of themselves, many as a line through percentiles', async () => {
    const { details } = await simulate(toy, { details: true });
    const samples = details!.samples!;
    expect(samples.ttft).toEqual([details!.latency.ttft![0]]);
    const few = { ...details!, samples: { tpot: [10, 40] } };
    expect(distributionOf(few, 'tpot')).toEqual([
      [10, 0],
      [10, 0.5],
      [40, 0.5],
      [40, 1],
    ]);
    const { samples: _, ...saved } = few;
    expect(distributionOf(saved, 'tpot')).toBeNull();
    expect(distributionOf(saved, 'pass')).toHaveLength(101);
    expect(distributionOf(undefined, 'pass')).toBeNull();
  });

  it('draws no hit rate where nothing is asked for', async () => {
    const result = await simulate(toy, { details: true });
    const series = { binNs: 1, hits: [1, 0, 0, 3], late: [0, 0, 0, 0], misses: [1, 0, 0, 1], stallNs: [0, 0, 0, 0], links: [] };
    const text = htmlReport.render({ ...result, details: { ...result.details!, series } }, options);
    // A half in the first of four bins, three quarters in the last.
    expect(text).toContain('d="M125 500L875 250" stroke="var(--hit)"');
  });
});

describe('names and messages in the HTML report', () => {
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

  it('keeps hostile names of links and tiers as text, in saved details too', async () => {
    const result = await simulate(toy, { details: true });
    const { series, causes } = result.details!;
    const text = htmlReport.render(
      {
        ...result,
        details: {
          ...result.details!,
          series: { ...series, links: series.links.map((link) => ({ ...link, name: HOSTILE })) },
          causes: { ...causes!, stallNs: causes!.stallNs.map((cause) => ({ ...cause, tier: HOSTILE, cause: HOSTILE })) },
        },
      },
      options,
    );
    expect(text).toContain('&#60;img src=x');
    expect(text).not.toContain('<img');
    expect(text.match(/<script/g)).toHaveLength(htmlReport.render(result, options).match(/<script/g)!.length);
  });
});

describe('a run with details', () => {
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

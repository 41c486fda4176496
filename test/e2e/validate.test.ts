// `moeprof validate` from outside: rows of one's own, its formats and its mistakes.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Validation } from '../../src/measured/validate/summary.js';
import { inTurn, temporaryFolder } from './moeprof.js';

const row = (id: string, measured: Record<string, number>, more: Record<string, unknown> = {}): string =>
  JSON.stringify({
    id,
    engine: 'llama.cpp',
    machine: {
      name: 'my-box',
      gpus: [{ name: 'rtx-3090', memory_gb: 24, memory_gbps: 936, fp16_tflops: 71, pcie: { gen: 4, lanes: 16 } }],
      cpu: { cores: 16, ghz: 4.5, isa: 'avx512-vnni', sockets: 1 },
      ram: { type: 'ddr5', mts: 6000, channels: 2 },
    },
    model: { name: 'gpt-oss-20b', quant: 'mxfp4' },
    placement: { kind: 'cpu-layers', cpu_moe_layers: 12, where: 'cpu' },
    measured,
    ...more,
  });

const cwd = temporaryFolder();
beforeAll(() => {
  writeFileSync(
    join(cwd, 'rows.jsonl'),
    `${row('one', { tg_tps: 60, pp_tps: 1500 })}\n${row('two', { tg_tps: 5 }, { pathology: 'paging', scorable: { tg: false } })}\n`,
  );
});

describe('moeprof validate', () => {
  it('predicts rows, one thread or two, in 80 columns', async () => {
    const [one, two] = await Promise.all(['1', '2'].map((jobs) => inTurn(['validate', 'rows.jsonl', '-j', jobs], { cwd })));
    expect([one!.stderr, one!.code]).toEqual(['', 0]);
    expect(two!.stdout).toBe(one!.stdout);
    expect(one!.stdout).toContain('pathology: paging');
    for (const line of one!.stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
  });

  it('writes JSON, Markdown, CSV and a page', async () => {
    const outputs = ['json', 'md', 'csv', 'html'].flatMap((ending) => ['-o', `out.${ending}`]);
    const { code, stderr } = await inTurn(['validate', 'rows.jsonl', '-q', ...outputs], { cwd });
    expect([code, stderr]).toEqual([0, '']);
    const { rows, summary } = JSON.parse(readFileSync(join(cwd, 'out.json'), 'utf8')) as Validation;
    expect(rows.map(({ id, metric, scored }) => [id, metric, scored])).toEqual([
      ['one', 'decode', true],
      ['one', 'prefill', true],
      ['two', 'decode', false],
    ]);
    expect(summary.decode!.n).toBe(1);
    for (const { error, measured, predicted } of rows) expect(error).toBeCloseTo(predicted! / measured - 1);
    for (const ending of ['md', 'csv', 'html']) expect(readFileSync(join(cwd, `out.${ending}`), 'utf8')).toContain('one');
  });

  it('scores memory by device and kind, beside speed or alone', async () => {
    const folder = temporaryFolder();
    const load = {
      ...{ id: 'load', class: 'gpu', engine: 'ik_llama.cpp', model: 'qwen3-30b-a3b', quant: 'IQ4_K', file_gib: 17.679 },
      ...{ total_params: '30.532 B', flags: 'llama-server -fmoe -fa -c 32768 -ngl 99', offloaded: '49/49', ctx: 32_768, ubatch: 512 },
      ...{ kv_type: 'f16', flash_attention: true, mla: 0, fused_moe: true },
      devices: [
        { name: 'CUDA0', model_mib: 17_787.83, kv_mib: 3072, compute_mib: 304.75 },
        { name: 'CPU', model_mib: 315.3, kv_mib: 0, compute_mib: 0 },
        { name: 'CUDA_Host', model_mib: 0, kv_mib: 0, compute_mib: 68.01 },
      ],
    };
    writeFileSync(join(folder, 'memory.jsonl'), JSON.stringify(load));
    const outputs = ['json', 'md', 'csv', 'html'].flatMap((ending) => ['-o', `out.${ending}`]);
    const { code, stderr, stdout } = await inTurn(['validate', 'memory.jsonl', ...outputs], { cwd: folder });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('5 buffers of 1 load, predicted (memory.jsonl)');
    for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
    const { rows, summary } = JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8')) as Validation;
    expect(rows.map(({ device, kind, metric, scored }) => [metric, device, kind, scored])).toEqual([
      ['memory', 'GPU 0', 'weights', true],
      ['memory', 'GPU 0', 'kv', true],
      ['memory', 'GPU 0', 'compute', true],
      ['memory', 'host', 'weights', true],
      ['memory', 'host', 'compute', true],
    ]);
    expect(summary.memory!.n).toBe(5);
    expect(Math.abs(summary.memory!.largest.error)).toBeLessThan(0.001);
    for (const ending of ['md', 'csv', 'html']) expect(readFileSync(join(folder, `out.${ending}`), 'utf8')).toMatch(/load.*30[45]/s);
    await inTurn(['validate', 'memory.jsonl', join(cwd, 'rows.jsonl'), '--json', '-o', 'both.json'], { cwd: folder });
    const both = JSON.parse(readFileSync(join(folder, 'both.json'), 'utf8')) as Validation;
    expect([both.summary.decode!.n, both.summary.memory!.n]).toEqual([1, 5]);
  });
});

describe('moeprof validate --fit, and mistakes', () => {
  it('refits constants, and says how they do on machines that were left out', async () => {
    const folder = temporaryFolder();
    const other = { machine: { ...JSON.parse(row('x', { tg_tps: 1 })).machine, name: 'other-box' } };
    const content = [row('one', { tg_tps: 40 }), row('two', { tg_tps: 42 }, other)].join('\n');
    writeFileSync(join(folder, 'rows.jsonl'), content);
    const { code, stdout, stderr } = await inTurn(['validate', 'rows.jsonl', '--fit', '--json'], { cwd: folder });
    expect([code, stderr]).toEqual([0, '']);
    const { refit, summary } = JSON.parse(stdout) as Validation;
    expect(refit!.constants.every(({ fitted, now }) => fitted > 0 && now > 0)).toBe(true);
    expect(refit!.fitted.decode!.median).toBeLessThan(summary.decode!.median);
    expect(refit!.leftOut.decode!.n).toBe(2);
  });

  it('leaves out rows that cannot be read, and names them', async () => {
    const folder = temporaryFolder();
    const unknown = row('two', { tg_tps: 1 }, { engine: 'somebody-new' });
    writeFileSync(join(folder, 'rows.jsonl'), [row('one', { tg_tps: 60 }), unknown, row('three', { tg_tps: -1 })].join('\n'));
    const { code, stderr, stdout } = await inTurn(['validate', 'rows.jsonl', '--json'], { cwd: folder });
    expect(code).toBe(0);
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/rows\.jsonl:2: engine: unknown engine "somebody-new": known: llama\.cpp, .*; the row is left out$/),
      expect.stringMatching(/rows\.jsonl:3: measured\.tg_tps: must be more than 0, not -1; the row is left out$/),
    ]);
    expect((JSON.parse(stdout) as Validation).rows.map(({ id }) => id)).toEqual(['one']);
  });

  it.each<[string[], string, string]>([
    [['bad.jsonl'], row('one', { tg_tps: -1 }), 'moeprof: bad.jsonl:1: measured.tg_tps: must be more than 0, not -1'],
    [
      ['bad.jsonl', 'rows.jsonl'],
      row('two', { tg_tps: 1 }),
      'measurement "two" stands in two of the files; give each row an id of its own',
    ],
    [['opne'], '', 'unknown bundled file of measurements "opne": did you mean "open"?'],
    [['absent.jsonl'], '', 'moeprof: absent.jsonl: there is no such file'],
  ])('%j with %j is a mistake', async (files, content, message) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'bad.jsonl'), content);
    writeFileSync(join(folder, 'rows.jsonl'), row('two', { tg_tps: 1 }));
    const { code, stderr, stdout } = await inTurn(['validate', ...files], { cwd: folder });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.trimEnd().split('\n').length).toBe(1);
    expect(stderr).toContain(message);
  });
});

describe('a row that cannot be priced', () => {
  it('is named, and costs no other row, on one thread or two', async () => {
    const rows = [
      row('fine', { tg_tps: 60 }),
      row('vast', { tg_tps: 60 }, { run: { batch_users: 1_000_000 } }),
      row('odd', { tg_tps: 60 }, { model: { name: 'gpt-oss-20b', quant: 'gsq-hybrid-q2_0', bits: 2.4 } }),
      row('named', { tg_tps: 50 }, { series: 'evening' }),
    ];
    writeFileSync(join(cwd, 'lost.jsonl'), `${rows.join('\n')}\n`);
    const [one, two] = await Promise.all(['1', '2'].map((jobs) => inTurn(['validate', 'lost.jsonl', '-j', jobs, '--json'], { cwd })));
    expect([one!.stderr, one!.code]).toEqual(['', 0]);
    expect(two!.stdout).toBe(one!.stdout);
    expect(
      (JSON.parse(one!.stdout) as Validation).rows.map(({ id, reason, scored }) => [id, scored, reason?.slice(0, 40) ?? null]),
    ).toEqual([
      ['fine', true, null],
      ['vast', false, 'it walks 41,000,000 tokens, and at most '],
      ['odd', false, 'model gpt-oss-20b: unknown quantization '],
      ['named', true, null],
    ]);
  });
});

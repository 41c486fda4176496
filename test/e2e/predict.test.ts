// `moeprof predict` from outside: train a file, judge it, run with it, train it again to the same bytes; and mistakes in one line.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { safetensorsBytes } from '../trace/builders.js';
import { inTurn, shell, temporaryFolder } from './moeprof.js';

const folder = temporaryFolder();
const run = (...args: string[]) => inTurn(args, { cwd: folder });
const sha256 = (file: string): string =>
  createHash('sha256')
    .update(readFileSync(join(folder, file)))
    .digest('hex');

/** Twelve requests of 40 tokens of mini-mixtral-8x8l: token ids are 0..7 in a scrambled order, and the path follows from the id. */
beforeAll(() => {
  const tokens = 480;
  const id = (row: number): number => (row * row * 5 + row * 3) % 8;
  const experts = Uint8Array.from({ length: tokens * 16 }, (_, i) => (id(Math.floor(i / 16)) * 3 + Math.floor((i % 16) / 2) + (i % 2)) % 8);
  writeFileSync(
    join(folder, 'trace.safetensors'),
    safetensorsBytes(
      {
        experts: { dtype: 'U8', shape: [tokens, 8, 2], data: experts },
        request_id: { dtype: 'I32', shape: [tokens], data: Int32Array.from({ length: tokens }, (_, row) => Math.floor(row / 40)) },
        token_id: { dtype: 'I32', shape: [tokens], data: Int32Array.from({ length: tokens }, (_, row) => id(row)) },
      },
      { format: 'moeprof.trace/1', model: 'mini-mixtral-8x8l', num_experts: '8' },
    ),
  );
});

const TRAIN = [
  'predict',
  'train',
  '-t',
  'trace.safetensors',
  '--hidden',
  '16',
  '--rank',
  '8',
  '--epochs',
  '6',
  '--batch',
  '16',
  '--lr',
  '0.02',
];

describe('moeprof predict train', () => {
  it('trains, reports, and gives the same file again', async () => {
    const first = await run(...TRAIN, '-o', 'p.onnx', '--report', 'report.json');
    expect([first.stderr, first.code]).toEqual(['', 0]);
    for (const line of first.stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
    expect(first.stdout).toContain('path prediction, mini-mixtral-8x8l (8 layers x 8 experts, top-2)');
    const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
    expect(report.schema).toBe('moeprof.training/1');
    expect(report.trained.sha256).toBe(sha256('p.onnx'));
    expect(report.trained.tokenIds).toBe(true);
    const [{ predictors }] = report.evaluations;
    expect(predictors.map(({ predictor }: { predictor: string }) => predictor)).toEqual([
      'popularity',
      'token-table',
      'last-token',
      'p.onnx',
    ]);
    const recall = (name: string): number => predictors.find(({ predictor }: { predictor: string }) => predictor === name).before.recallAtK;
    expect(recall('p.onnx')).toBeGreaterThan(0.95);
    expect(recall('last-token')).toBeLessThan(0.5);
    const again = await run(...TRAIN, '-o', 'again.onnx', '-q');
    expect(again.code).toBe(0);
    expect(sha256('again.onnx')).toBe(sha256('p.onnx'));
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('judges on what the same seed holds out, and runs with the file', async () => {
    const judged = await run('predict', 'eval', 'p.onnx', 'token-table', 'transition', '-t', 'trace.safetensors', '--json');
    expect([judged.stderr, judged.code]).toEqual(['', 0]);
    const report = JSON.parse(judged.stdout);
    expect(report.schema).toBe('moeprof.evaluation/1');
    expect(report.evaluations[0].trace.path).toBe('20 % of trace.safetensors');
    expect(report.evaluations[0].predictors[0].before.recallAtK).toBeGreaterThan(0.95);
    const options = ['-t', 'trace.safetensors', '--cache', '4/layer', '--set', 'system.predictor.horizon=all', '--json'];
    const profiled = await run('run', ...options, '--predictor', 'p.onnx');
    expect([profiled.stderr, profiled.code]).toEqual(['', 0]);
    const { environment, metrics } = JSON.parse(profiled.stdout);
    expect(metrics['predict.recall_at_k'].value).toBeGreaterThan(0.95);
    expect(environment['predict.wall_ns_per_token']).toBeGreaterThan(0);
  });

  it('trains an encoder of token ids, and runs with it: prompts in chunks, requests in batches', async () => {
    const training = ['--epochs', '8', '--batch', '64', '--lr', '0.02'];
    const trained = await run('predict', 'train', '--kind', 'rpp', '-t', 'trace.safetensors', ...training, '-o', 'rpp.onnx', '--json');
    expect([trained.stderr, trained.code]).toEqual(['', 0]);
    const report = JSON.parse(trained.stdout);
    expect(report.options).toMatchObject({ kind: 'rpp', network: { width: 32, history: true }, batch: 64 });
    expect(report.trained.sha256).toBe(sha256('rpp.onnx'));
    const { before, predictor } = report.evaluations[0].predictors.at(-1);
    expect(predictor).toBe('rpp.onnx');
    expect(before.recallAtK).toBeGreaterThan(0.9);
    const options = ['-t', 'trace.safetensors', '--cache', '4/layer', '--batch', '3', '--set', 'system.predictor.horizon=all', '--json'];
    const profiled = await run('run', ...options, '--predictor', 'onnx:file=rpp.onnx');
    expect([profiled.stderr, profiled.code]).toEqual(['', 0]);
    const { metrics } = JSON.parse(profiled.stdout);
    expect(metrics['predict.recall_at_k'].value).toBeGreaterThan(0.9);
    expect(metrics['cache.hit_rate_counting_late'].value).toBeGreaterThanOrEqual(metrics['cache.hit_rate'].value);
  });
});

describe('a run with what was trained', () => {
  it('gives a run the same result in one thread of moeprof as in two', async () => {
    const pool = new URL('../../build/cli/run-pool.js', import.meta.url).href;
    const system = new URL('../../build/system/load-run.js', import.meta.url).href;
    const script = `
      import { runAll } from ${JSON.stringify(pool)};
      import { checkRun } from ${JSON.stringify(system)};
      const run = (batch) => checkRun({ trace: 'trace.safetensors', memory: { expertCache: '4/layer' }, workload: { batch },
        system: { name: 'onnx', predictor: { kind: 'p.onnx', horizon: 'all' } } }, 'test');
      const context = { progress: () => ({ update() {}, finish() {} }), breathe: async () => {} };
      const seen = [];
      for (const threads of [1, 2]) {
        const results = await runAll([run(1), run(3)], context, threads);
        seen.push(JSON.stringify(results.map(({ environment, ...exact }) => exact)));
      }
      console.log(seen[0] === seen[1], seen[0].includes('predict.recall_at_k'));`;
    writeFileSync(join(folder, 'threads.mjs'), script);
    const { stdout } = await shell(`exec ${process.execPath} threads.mjs`, { cwd: folder });
    expect(stdout.trim()).toBe('true true');
  });

  it('leaves nothing in HOME and TMPDIR and opens no socket: telemetry is off, in threads too', async () => {
    const profile = (horizon: number): string =>
      `model: mini-mixtral-8x8l\nhardware: t4\ntrace: trace.safetensors\nmemory: { expertCache: 4/layer }\nsystem: { name: onnx, predictor: { kind: p.onnx, horizon: ${horizon} } }\n`;
    for (const horizon of [1, 2]) writeFileSync(join(folder, `onnx-${horizon}.yaml`), profile(horizon));
    const traced = existsSync('/usr/bin/strace')
      ? `strace -f --seccomp-bpf -qq -e trace=socket,connect -o ${join(folder, 'sockets')} `
      : '';
    const commands = [
      [...TRAIN, '-o', 'quiet.onnx'],
      ['predict', 'eval', 'p.onnx', '-t', 'trace.safetensors'],
      ['run', '-t', 'trace.safetensors', '--predictor', 'p.onnx'],
      ['compare', 'onnx-1.yaml', 'onnx-2.yaml'],
    ];
    for (const command of commands) {
      const [HOME, TMPDIR] = [temporaryFolder(), temporaryFolder()];
      const { code, stderr } = await shell(`${traced}$MOEPROF ${command.join(' ')}`, { cwd: folder, env: { HOME, TMPDIR } });
      expect([code, stderr], command.join(' ')).toEqual([0, '']);
      expect(
        [HOME, TMPDIR].flatMap((place) => readdirSync(place)),
        command.join(' '),
      ).toEqual([]);
      if (traced !== '') expect(readFileSync(join(folder, 'sockets'), 'utf8'), command.join(' ')).toBe('');
    }
  });
});

describe('moeprof predict, where something is missing,', () => {
  it('says in one line what is wrong where the runtime does not load, and what to install', async () => {
    // The package with a runtime that is broken. (Whether one is found further up depends on the machine, so none is left out.)
    const root = fileURLToPath(new URL('../../', import.meta.url));
    const bare = temporaryFolder();
    for (const part of ['bin', 'dist', 'profiles', 'package.json']) cpSync(join(root, part), join(bare, part), { recursive: true });
    mkdirSync(join(bare, 'node_modules'));
    for (const name of readdirSync(join(root, 'node_modules'))) {
      if (name !== 'onnxruntime-node') symlinkSync(join(root, 'node_modules', name), join(bare, 'node_modules', name));
    }
    const start = (args: readonly string[]) =>
      shell(`exec ${process.execPath} ${join(bare, 'bin/moeprof.js')} ${args.join(' ')}`, { cwd: folder });
    const commands = [
      ['run', '-t', 'trace.safetensors', '--predictor', 'p.onnx'],
      [...TRAIN, '-o', 'x.onnx'],
    ];
    const broken = join(bare, 'node_modules/onnxruntime-node');
    mkdirSync(broken);
    writeFileSync(join(broken, 'package.json'), '{ "main": "index.js" }');
    writeFileSync(join(broken, 'index.js'), "throw new Error('libonnxruntime.so.1: cannot open shared object file');");
    const advice = 'ONNX predictors need it: npm install --ignore-scripts onnxruntime-node@1.30';
    for (const command of commands) {
      expect(await start(command)).toMatchObject({
        code: 2,
        stderr: `moeprof: onnxruntime-node does not load (libonnxruntime.so.1: cannot open shared object file); ${advice}\n`,
      });
    }
    expect(existsSync(join(folder, 'x.onnx'))).toBe(false);
    // Everything else works without it.
    expect((await start(['run', '-t', 'trace.safetensors', '--predictor', 'last-token', '-q', '--json'])).code).toBe(0);
  });

  it.each([
    [['predict', 'train', '-o', 'x.onnx'], 'no trace to learn from is given; name one with --trace'],
    [[...TRAIN, '-o', 'x.bin'], '-o x.bin: a predictor is an .onnx file; write e.g. -o predictor.onnx'],
    [[...TRAIN, '-o', 'no/such/x.onnx'], 'no/such/x.onnx: cannot be written: its folder does not exist'],
    [[...TRAIN, '-o', 'x.onnx', '--lr', 'fast'], '--lr fast: must be a number between 0 and 1'],
    [[...TRAIN, '-o', 'x.onnx', '--kind', 'rpp'], '--hidden: belongs to --kind paths; leave it out, or train --kind paths'],
    [[...TRAIN, '-o', 'x.onnx', '--seed', 'one'], "--seed: 'one' is no whole number; write e.g. --seed 7"],
    [[...TRAIN, '-o', 'x.onnx', '--holdout', '100%'], '--holdout 100%: must leave something on both sides'],
    [['predict', 'eval', 'transitoin', '-t', 'trace.safetensors'], 'did you mean "transition"'],
    [['predict', 'eval', 'trace.safetensors.onnx', '-t', 'trace.safetensors'], 'trace.safetensors.onnx: there is no such file'],
    [['predict', 'eval', 'none', '-t', 'trace.safetensors'], 'predictor none: predicts nothing, so there is nothing to judge'],
    [['predict', 'eval', '-t', 'trace.safetensors#400:600'], 'trace.safetensors#400:600: there are rows 0:480'],
    [['run', '-t', 'trace.safetensors', '--predictor', 'broken.onnx'], 'broken.onnx: is not a model that onnxruntime can load'],
    [['run', '-t', 'trace.safetensors', '--predictor', 'onnx'], 'predictor onnx: names no file; write onnx:file=predictor.onnx'],
  ])('%j is one line and exit code 2', async (args, message) => {
    writeFileSync(join(folder, 'broken.onnx'), readFileSync(join(folder, 'trace.safetensors')).subarray(0, 3000));
    const { code, stderr, stdout } = await run(...args);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect([stdout, code]).toEqual(['', 2]);
    expect(existsSync(join(folder, 'x.onnx'))).toBe(false);
  });
});

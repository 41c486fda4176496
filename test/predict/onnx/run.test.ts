// A predictor that a user exports, built here node by node without `predict train`: it must work in a run and in an evaluation alike.
import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { evaluationReports } from '../../../src/cli/predict-report.js';
import { simulate } from '../../../src/engine/simulate.js';
import { loadModel } from '../../../src/model/load/load.js';
import { comparablePredictors, comparePredictors, withCorrected } from '../../../src/predict/evaluation/compare.js';
import { createPredictor, locatedPredictor, parsePredictor } from '../../../src/predict/predictors/create.js';
import type { RunInput } from '../../../src/system/run.js';
import { openTrace } from '../../../src/trace/open/open.js';
import { echoModel, modelFile, node, rows, scalar, temporaryModel } from '../../fixtures/onnx/models.js';
import { temporaryFolder } from '../../support/folder.js';
import { safetensorsBytes } from '../../trace/builders.js';

const model = loadModel('mini-mixtral-8x8l');
const { experts } = model;

/** Cyclic routing: expert (token + layer) mod 8, and the one after it. Every token's path is the last one's, shifted by one expert. */
function cyclicTrace(): string {
  const tokens = 96;
  const data = Uint8Array.from({ length: tokens * 8 * 2 }, (_, i) => {
    const token = Math.floor(i / 16);
    const layer = Math.floor(i / 2) % 8;
    return (token + layer + (i % 2)) % 8;
  });
  const metadata = { format: 'moeprof.trace/1', model: 'mini-mixtral-8x8l', num_experts: '8' };
  const path = join(temporaryFolder(), 'cyclic.safetensors');
  writeFileSync(path, safetensorsBytes({ experts: { dtype: 'U8', shape: [tokens, 8, 2], data } }, metadata));
  return path;
}

/**
 * The predictor that knows the cycle: the last path (history >= 1), multiplied by a matrix that shifts every layer by one expert.
 * logits = 12 x (last . shift) - 6.
 */
function shiftModel(): string {
  const shift = new Float32Array(experts * experts);
  for (const { experts: count, offset } of model.layers) {
    for (let expert = 0; expert < count; expert++) shift[(offset + expert) * experts + offset + ((expert + 1) % count)] = 1;
  }
  return modelFile({
    nodes: [
      node('GreaterOrEqual', ['history', 'one'], ['mark']),
      { ...node('Cast', ['mark'], ['last']), attributes: { to: { int: 1 } } },
      node('MatMul', ['last', 'shift'], ['next']),
      node('Mul', ['next', 'gain'], ['scaled']),
      node('Sub', ['scaled', 'half'], ['logits']),
    ],
    initializers: [scalar('one', 1), { name: 'shift', shape: [experts, experts], data: shift }, scalar('gain', 12), scalar('half', 6)],
    inputs: [rows('history', experts)],
    outputs: [rows('logits', experts)],
  });
}

let trace = '';
let file = '';
beforeAll(() => {
  trace = cyclicTrace();
  file = shiftModel();
});

/** A run whose link is slow enough for a miss to hurt, with 4 of 8 experts per layer. */
const runOf = (predictor: unknown, more: Partial<RunInput> = {}) =>
  simulate({
    trace,
    memory: { expertCache: '4/layer' },
    system: { name: 'test', cache: { policy: 'lru', scope: 'layer' }, predictor } as RunInput['system'],
    ...more,
  });

describe('an ONNX file from elsewhere', () => {
  it('prefetches in a run what it predicts, the whole path before the pass', async () => {
    const onDemand = await runOf('none');
    const predicted = await runOf({ kind: 'onnx', file, horizon: 'all', costNs: 0 });
    // Of the two experts that a token uses at a layer, one is the last token's. On demand the other one is always missed; foretold, it is
    // under way when it is wanted, but for the first token, of which nothing can be known.
    expect(predicted.metrics['predict.recall_at_k']!.value).toBeGreaterThan(0.98);
    expect(onDemand.metrics['cache.misses']!.value).toBe(8 * 2 + 95 * 8);
    expect(predicted.metrics['cache.misses']!.value).toBe(8 * 2);
    expect(predicted.metrics['prefetch.precision']!.value).toBe(1);
    expect(predicted.metrics['latency.tpot.mean']!.value).toBeLessThan(onDemand.metrics['latency.tpot.mean']!.value);
    expect(predicted.environment['predict.calls']).toBe(96);
    expect(predicted.environment['predict.wall_ns_per_token']).toBeGreaterThan(0);
    expect(Object.keys(predicted.metrics).some((name) => name.includes('wall'))).toBe(false);
  });

  it('gives the same result twice, and for a batch', async () => {
    const exact = async (more: Partial<RunInput>) => {
      const { environment: _, ...result } = await runOf({ kind: file, horizon: 'all' }, more);
      return JSON.stringify(result);
    };
    expect(await exact({})).toBe(await exact({}));
    const batch = { workload: { batch: 4 } };
    expect(await exact(batch)).toBe(await exact(batch));
  });

  it('costs simulated time as it is told to', async () => {
    const free = await runOf({ kind: 'onnx', file, horizon: 'all', costNs: 0 });
    const measured = await runOf({ kind: 'onnx', file, horizon: 'all' });
    const slow = await runOf({ kind: 'onnx', file, horizon: 'all', costNs: 1e9 });
    // What is predicted a second later is known by itself before its transfer can start.
    expect(free.metrics['cache.misses']!.value).toBe(16);
    expect(slow.metrics['cache.misses']!.value).toBe(776);
    // 33 microseconds at 2.45 GHz and what its weights take, on the 4.5 GHz of this machine.
    const { value } = measured.metrics['predict.time']!;
    expect(value).toBeGreaterThan((33_000 * 2.45) / 4.5);
    expect(value).toBeLessThan((40_000 * 2.45) / 4.5);
    // That is less than a layer takes: nothing comes too late for it.
    expect(measured.metrics['cache.misses']!.value).toBe(16);
  });
});

describe('a network beside tables', () => {
  it('is run and charged once a pass at most, and its tables no more than without it', async () => {
    const timeOf = async (kind: string) => {
      const { environment, metrics } = await runOf({ kind, horizon: 'all' });
      return { ns: metrics['predict.time']!.value, runs: environment['predict.calls'] as number };
    };
    const [tables, both] = [await timeOf('ensemble:parts=history'), await timeOf(`ensemble:parts=history+onnx,file=${file}`)];
    expect(both.runs).toBeGreaterThan(30);
    expect(both.runs).toBeLessThanOrEqual(96);
    // A run follows each of 8 predictions a pass less the last: 33 microseconds and its weights at 2.45 GHz, on the 4.5 GHz of this machine.
    const run = ((both.ns - tables.ns) * 8 * 96) / both.runs;
    expect(run).toBeGreaterThan((0.95 * 33_000 * 2.45) / 4.5);
    expect(run).toBeLessThan((40_000 * 2.45) / 4.5);
  });
});

describe('an ONNX file among predictors', () => {
  it('is judged beside the others, and the report fits 80 columns', async () => {
    const opened = await openTrace(trace, { model });
    const spec = `onnx:file=${file}`;
    const { evaluations, times } = await comparePredictors({
      predictors: ['last-token', file, spec],
      model,
      training: [],
      judged: [opened],
      distances: [1, 2, 4, 8],
      batch: 4,
      minProbability: 0.15,
      every: null,
      seed: 1,
    });
    const [{ options, predictors, trace: judged }] = evaluations as [(typeof evaluations)[number]];
    expect(judged).toEqual({ path: trace, sha256: opened.sha256(), tokens: 96 });
    // There is no layer 8 layers ahead of another one.
    expect(options.distances).toEqual([1, 2, 4]);
    const [tlp, byPath, bySpec] = predictors.map(({ before }) => before!);
    // Of the first token popularity names experts 0 and 1, as below.
    expect(tlp!.recallAtK).toBeCloseTo((0.5 * 95 + 2 / 8) / 96, 10);
    // Of the first token nothing is known, and ties go to experts 0 and 1: right at layer 0, half right at layers 1 and 7.
    expect(byPath!.recallAtK).toBeCloseTo((95 + 2 / 8) / 96, 10);
    expect(byPath!.precision).toBe(1);
    expect(bySpec).toEqual(byPath);
    opened.close();
    // Popularity fills up what is named beyond the last token's experts.
    expect(tlp!.recallAt2K).toBeGreaterThan(tlp!.recallAtK);
    expect(times.map(({ predictor }) => predictor)).toEqual(['last-token', file, spec]);
    for (const { before, learning } of times) expect([before, learning].every((ns) => ns >= 0)).toBe(true);

    const report = {
      schema: 'moeprof.evaluation/1',
      tool: { name: 'moeprof', version: '0' },
      model: { name: model.name, layers: 8, experts: 8, topK: 2 },
      training: [],
      seed: 1,
      evaluations,
      environment: { node: 'v20', platform: 'linux', cpu: 'some', wallMs: 1, predictNs: times },
    } as const;
    const [table, json] = evaluationReports;
    const text = table!.render(report, { color: false, width: 200, unicode: false, verbose: true });
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(text).toMatch(/last-token +\.497/);
    expect(text).toContain(`...${file.slice(-11)}`);
    expect(text).toContain('nothing learned beforehand');
    expect(JSON.parse(json!.render(report, { color: false, width: 80, unicode: true, verbose: false }))).toEqual(
      JSON.parse(JSON.stringify(report)),
    );
  });
});

it('what corrects another predictor is shown beside it', () => {
  expect(withCorrected(['last-token', 'adaptive'])).toEqual(['last-token', 'ensemble', 'adaptive']);
  expect(withCorrected(['adaptive:rate=0.1,reach=2', 'adaptive:rate=0.2,reach=2'])).toEqual([
    'ensemble:reach=2',
    'adaptive:rate=0.1,reach=2',
    'adaptive:rate=0.2,reach=2',
  ]);
  expect(withCorrected(['adaptive', 'ensemble'])).toEqual(['adaptive', 'ensemble']);
});

describe('naming it', () => {
  const request = {
    model,
    slots: 1,
    seed: 1,
    training: [],
    trace: {
      path: 'test',
      topK: 2,
      has: { weights: false, tokenIds: false, phases: false, predictedK: 0 },
      meta: { model: null, format: 'test', synthetic: false, expertBytes: null, notes: {} },
    },
  };

  it('a path that ends in .onnx is enough, relative to a folder', async () => {
    const predictor = await createPredictor({ ...request, chosen: parsePredictor(basename(file)), folder: dirname(file) });
    expect(predictor).not.toBeNull();
    predictor!.close!();
    expect(locatedPredictor('p.onnx', '/models')).toBe('onnx:file=/models/p.onnx');
    expect(locatedPredictor('onnx:costNs=5,file=p.onnx', '/models')).toBe('onnx:costNs=5,file=/models/p.onnx');
    expect(locatedPredictor('transition:reach=2', '/models')).toBe('transition:reach=2');
  });

  it.each([
    ['onnx', 'predictor onnx: names no file; write onnx:file=predictor.onnx'],
    ['nowhere/p.onnx', 'there is no such file'],
    ['onxx:file=p.onnx', 'unknown predictor "onxx"; did you mean "onnx"'],
    ['token-table', 'predictor token-table: needs token ids, which test does not carry'],
  ])('%s is refused in one line', async (kind, message) => {
    const create = async () => createPredictor({ ...request, chosen: parsePredictor(kind) });
    const error = await create().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toContain(message);
    expect((error as UserError).message).not.toContain('\n');
  });

  it('a run says what is wrong with a file before anything is simulated', async () => {
    await expect(runOf({ kind: 'onnx', file: echoModel('history', 7) })).rejects.toThrow('must be float32 [N, 64], found float32 [N, 7]');
    await expect(runOf({ kind: 'onnx', file: temporaryModel('broken') })).rejects.toThrow('is not a model that onnxruntime can load');
    await expect(
      runOf(
        modelFile({
          nodes: [{ ...node('Cast', ['token_id'], ['logits']), attributes: { to: { int: 1 } } }],
          inputs: [{ name: 'token_id', type: 'int64', shape: ['N'] }],
          outputs: [{ name: 'logits', type: 'float32', shape: ['N', 'M'] }],
        }),
      ),
    ).rejects.toThrow(/predictor\.onnx/);
  });

  it('all that a trace allows are judged unless some are named, but none that is told the truth', async () => {
    const opened = await openTrace(trace, { model });
    const names = comparablePredictors([opened]);
    expect(names).toContain('transition');
    for (const absent of ['gate', 'oracle', 'pre-gated', 'whole-layer', 'onnx', 'token-table', 'supplied'])
      expect(names).not.toContain(absent);
    opened.close();
  });
});

// Speed of predictors: node bench/predict.mjs [tokens = 2000] [runs = 3]
// Needs a build (npm run build). The trace is generated: 24 layers of 64 experts, top-8, requests of 512 tokens, seed 1, with token ids
// drawn beside it. Per predictor: predictions per second through the contract (one layer ahead, all layers of every token, observing
// included), and what it adds to the wall time of a run (LRU at 25 %, batch 1, horizon 1, correction on, no bounds): the share of the run
// that is the predictor's and its prefetches', and how many times as long the run takes. The ONNX rows are untrained networks of the
// default size: weights do not change the time. Each row is a process of its own and prints the median of its runs; the first run, which
// the compiler still works on, does not count.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromDist, inProcess, machine, median } from './lib/bench.mjs';

const MODEL = fileURLToPath(new URL('./lib/moe-24x64.yaml', import.meta.url));
const REQUEST = 512;
/** Predictors that a trace without a `predicted` tensor allows. */
const NAMES = [
  'popularity',
  'token-table',
  'last-token',
  'previous-layer',
  'markov',
  'transition',
  'ensemble',
  'adaptive',
  'activation-matrix',
  'expert-map',
  'oracle',
];

/** Writes the trace with random token ids, and the ONNX files. */
async function prepare({ folder, tokens }) {
  const { synthesize } = await fromDist('trace/synthetic.js');
  const { loadModelProfile } = await fromDist('model/profile.js');
  const { loadModel } = await fromDist('model/load.js');
  const { chunks } = await fromDist('trace/trace.js');
  const { openTrace } = await fromDist('trace/open.js');
  const { writeSafetensors } = await fromDist('trace/write.js');
  const { Random } = await fromDist('base/random.js');
  const { exportPredictor, buildTrainingGraphs } = await fromDist('predict/onnx/training-graph.js');
  const model = loadModel(MODEL);
  const requests = Array.from({ length: Math.ceil(tokens / REQUEST) }, () => ({ prefill: 0, decode: REQUEST }));
  const trace = synthesize(model, { seed: 1, requests, profile: loadModelProfile(MODEL).routing });
  const random = new Random(1, 'bench/token-ids');
  const lines = [JSON.stringify({ format: 'moeprof.trace/1', model: model.name })];
  for (const chunk of chunks(trace)) {
    for (let token = 0; token < chunk.tokens; token++) {
      const row = token * trace.layers * trace.topK;
      const experts = model.layers.map((_, layer) => [...chunk.experts.subarray(row + layer * trace.topK, row + (layer + 1) * trace.topK)]);
      lines.push(JSON.stringify({ request: chunk.request[token], position: chunk.position[token], token: random.below(8192), experts }));
    }
  }
  trace.close();
  // Written as text, where token ids are easily added; measured as the binary file that a run would read.
  writeFileSync(join(folder, 'trace.jsonl'), `${lines.join('\n')}\n`);
  const withIds = await openTrace(join(folder, 'trace.jsonl'), { model });
  writeSafetensors(withIds, join(folder, 'trace.safetensors'));
  withIds.close();
  const shape = { layers: model.layers, experts: model.experts, frequency: new Float64Array(model.experts).fill(0.125) };
  for (const [name, fields] of [
    ['onnx', {}],
    ['onnx, before the pass', { observed: false }],
    ['onnx, gru', { gru: true }],
  ]) {
    const network = { hidden: 256, rank: 64, gru: false, observed: true, tokenRows: 8192, ...fields };
    const { parameters } = buildTrainingGraphs(network, shape);
    const weights = new Map(parameters.map((parameter) => [parameter.name, parameter.initial(random)]));
    writeFileSync(join(folder, `${name}.onnx`), exportPredictor(network, shape, weights, {}));
  }
  return {};
}

/** Predictions per second, and milliseconds of a run. */
async function measure({ folder, kind, tokens, runs }) {
  const { simulate, openTrace } = await fromDist('index.js');
  const { loadModel } = await fromDist('model/load.js');
  const { createPredictor } = await fromDist('predict/create.js');
  const { Pass } = await fromDist('schedule/pass.js');
  const { Request } = await fromDist('schedule/request.js');
  const path = join(folder, 'trace.safetensors');
  const system = { name: 'bench', cache: { policy: 'lru' }, predictor: { kind } };
  const run = { model: MODEL, trace: path, memory: { expertCache: '25%' }, bounds: false, workload: { tokens }, system };
  const times = [];
  for (let i = 0; i <= runs; i++) {
    const start = performance.now();
    await simulate(run);
    times.push(performance.now() - start);
  }
  if (kind === 'none') return { ms: median(times.slice(1)), rate: null };

  const model = loadModel(MODEL);
  const trace = await openTrace(path, { model });
  const rates = [];
  for (let i = 0; i <= runs; i++) {
    const predictor = await createPredictor({ kind, model, trace, slots: 1, seed: 1, training: [] });
    const pass = new Pass(trace, 1);
    const scores = new Float32Array(model.experts);
    let predictions = 0;
    const start = performance.now();
    for (const [index, { start: first, prefill, decode }] of trace.requests.entries()) {
      const request = new Request({ index, start: first, prefill, decode, arrivalNs: 0 });
      const shares = [{ request, tokens: 1 }];
      for (; !request.finished && predictions < tokens * trace.layers; pass.advance(shares)) {
        pass.fill(shares);
        for (let layer = -1; layer < trace.layers - 1; layer++) {
          if (layer >= 0) predictor.observe(pass, layer);
          predictor.predict(pass, layer, 1, scores);
          predictions++;
        }
        predictor.observe(pass, trace.layers - 1);
      }
    }
    rates.push((predictions / (performance.now() - start)) * 1e3);
    predictor.close?.();
  }
  trace.close();
  return { ms: median(times.slice(1)), rate: median(rates.slice(1)) };
}

if (process.argv[2] === '--measure') {
  const task = JSON.parse(process.argv[3]);
  console.log(JSON.stringify(await (task.prepare === true ? prepare(task) : measure(task))));
} else {
  await fromDist('index.js');
  const tokens = Number(process.argv[2] ?? 2000);
  const runs = Number(process.argv[3] ?? 3);
  const folder = mkdtempSync(join(tmpdir(), 'moeprof-bench-'));
  try {
    inProcess(import.meta.url, { prepare: true, folder, tokens });
    console.log(`${tokens} tokens of 24 layers x 64 experts, top-8; ${machine()}\n`);
    console.log(
      `${'predictor'.padEnd(24)}${'predictions/s'.padStart(15)}${'run'.padStart(12)}${'share of the run'.padStart(20)}${'times as long'.padStart(16)}`,
    );
    const none = inProcess(import.meta.url, { folder, kind: 'none', tokens, runs }).ms;
    console.log(`${'none'.padEnd(24)}${'-'.padStart(15)}${`${none.toFixed(0)} ms`.padStart(12)}${'-'.padStart(20)}${'1.0'.padStart(16)}`);
    const files = ['onnx', 'onnx, before the pass', 'onnx, gru'];
    for (const name of [...NAMES, ...files]) {
      const kind = files.includes(name) ? join(folder, `${name}.onnx`) : name;
      const { ms, rate } = inProcess(import.meta.url, { folder, kind, tokens, runs });
      const share = Math.max(0, 1 - none / ms);
      console.log(
        `${name.padEnd(24)}${Math.round(rate).toLocaleString('en').padStart(15)}${`${ms.toFixed(0)} ms`.padStart(12)}${`${(100 * share).toFixed(0)} %`.padStart(20)}${(ms / none).toFixed(1).padStart(16)}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// Speed of predictors: node bench/predict.mjs [tokens = 2000] [runs = 3] [predictor ...] [--short]
// Needs a build (npm run build). The trace is generated: 24 layers of 64 experts, top-8, requests of 512 tokens, seed 1, with token ids
// drawn beside it. Per predictor: predictions per second through the contract (one layer ahead, all layers of every token, observing
// included), and how many times as much processor time a run takes as one without a predictor that is measured just before it (LRU at
// 25 %, batch 1, horizon 1, correction on): with the Belady bound, as runs are by default, and without. The ONNX rows are untrained
// networks of the default size: weights do not change the time. Each measurement is a process of its own and gives the median of its
// runs; the first run, which the compiler still works on, does not count.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ARGUMENTS, fromBuild, inProcess, machine, median, SHORT } from './lib/bench.mjs';

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
  'path-retrieval',
  'oracle',
];

/** Writes the trace with random token ids, and the ONNX files. */
async function prepare({ folder, tokens }) {
  const { synthesize } = await fromBuild('trace/generate/synthetic.js');
  const { loadModel, loadRouting } = await fromBuild('model/load/load.js');
  const { chunks } = await fromBuild('trace/trace.js');
  const { openTrace } = await fromBuild('trace/open/open.js');
  const { writeSafetensors } = await fromBuild('trace/open/write.js');
  const { Random } = await fromBuild('base/random.js');
  const { exportPredictor, buildTrainingGraphs } = await fromBuild('predict/onnx/training-graph.js');
  const model = loadModel(MODEL);
  const requests = Array.from({ length: Math.ceil(tokens / REQUEST) }, () => ({ prefill: 0, decode: REQUEST }));
  const trace = synthesize(model, { seed: 1, requests, profile: loadRouting(MODEL) });
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
  ]) {
    const network = { hidden: 256, rank: 64, observed: true, tokenRows: 8192, ...fields };
    const { parameters } = buildTrainingGraphs(network, shape);
    const weights = new Map(parameters.map((parameter) => [parameter.name, parameter.initial(random)]));
    writeFileSync(join(folder, `${name}.onnx`), exportPredictor(network, shape, weights, {}));
  }
  return {};
}

/** Milliseconds of processor time that this process has used. */
function processorMs() {
  const { system, user } = process.cpuUsage();
  return (system + user) / 1e3;
}

/** Milliseconds of processor time of a run. */
async function measureRun({ bounds, folder, kind, tokens, runs }) {
  const { simulate } = await fromBuild('index.js');
  const path = join(folder, 'trace.safetensors');
  const system = { name: 'bench', cache: { policy: 'lru' }, predictor: { kind } };
  const run = { model: MODEL, trace: path, memory: { expertCache: '25%' }, bounds, workload: { tokens }, system };
  const times = [];
  for (let i = 0; i <= runs; i++) {
    const start = processorMs();
    await simulate(run);
    times.push(processorMs() - start);
  }
  return { ms: median(times.slice(1)) };
}

/** Predictions per second of processor time. */
async function measurePredictor({ folder, kind, tokens, runs }) {
  const { openTrace } = await fromBuild('index.js');
  const { loadModel } = await fromBuild('model/load/load.js');
  const { createPredictor, parsePredictor } = await fromBuild('predict/predictors/create.js');
  const { Pass } = await fromBuild('schedule/pass.js');
  const { Request } = await fromBuild('schedule/request.js');
  const model = loadModel(MODEL);
  const trace = await openTrace(join(folder, 'trace.safetensors'), { model });
  const rates = [];
  for (let i = 0; i <= runs; i++) {
    const predictor = await createPredictor({ chosen: parsePredictor(kind), model, trace, slots: 1, seed: 1, training: [] });
    const pass = new Pass(trace, 1);
    const scores = new Float32Array(model.experts);
    let predictions = 0;
    const start = processorMs();
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
    rates.push((predictions / (processorMs() - start)) * 1e3);
    predictor.close?.();
  }
  trace.close();
  return { rate: median(rates.slice(1)) };
}

if (process.argv[2] === '--measure') {
  const { what, ...task } = JSON.parse(process.argv[3]);
  console.log(JSON.stringify(await { prepare, measureRun, measurePredictor }[what](task)));
} else {
  await fromBuild('index.js');
  const [ofTrace = SHORT ? 64 : 2000, times = SHORT ? 1 : 3, ...named] = ARGUMENTS;
  const tokens = Number(ofTrace);
  const runs = Number(times);
  const files = ['onnx', 'onnx, before the pass'];
  const chosen = named.length > 0 ? named : SHORT ? ['transition', 'onnx'] : [...NAMES, ...files];
  const folder = mkdtempSync(join(tmpdir(), 'moeprof-bench-'));
  try {
    inProcess(import.meta.url, { what: 'prepare', folder, tokens });
    console.log(`${tokens} tokens of 24 layers x 64 experts, top-8; ${machine()}\n`);
    console.log(
      `${'predictor'.padEnd(24)}${'predictions/s'.padStart(15)}${'run, times as long'.padStart(22)}${'without bounds'.padStart(18)}`,
    );
    for (const name of chosen) {
      const kind = files.includes(name) ? join(folder, `${name}.onnx`) : name;
      const { rate } = inProcess(import.meta.url, { what: 'measurePredictor', folder, kind, tokens, runs });
      const factors = [true, false].map((bounds) => {
        const [none, predicting] = ['none', kind].map((one) =>
          inProcess(import.meta.url, { what: 'measureRun', bounds, folder, kind: one, tokens, runs }),
        );
        return (predicting.ms / none.ms).toFixed(1);
      });
      console.log(
        `${name.padEnd(24)}${Math.round(rate).toLocaleString('en').padStart(15)}${factors[0].padStart(22)}${factors[1].padStart(18)}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// What a prediction takes: node bench/prediction-cost.mjs [predictor ...] [--short]
// Needs a build (npm run build). Per predictor: ns of one prediction by tokens of the pass, layers ahead and experts of a layer, and the fit
// call + tokens x experts scored x expert that src/predict/cost.ts holds; for networks, by weights of the file, call + weights x
// (weight + tokens x product). Routing is generated (24 layers, top-8), with token ids drawn beside it. The predictor observes every layer
// between two predictions, which is not timed. A point is the fastest tenth of its predictions, so that neighbours on the machine count little.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ARGUMENTS, fromBuild, inProcess, machine, median, SHORT } from './lib/bench.mjs';

const MODEL = fileURLToPath(new URL('./lib/moe-24x64.yaml', import.meta.url));
const PARTS = ['transition', 'history', 'request', 'markov', 'expert-map', 'retrieval', 'token-table', 'transition+history+markov'];
const NAMES = [
  'popularity',
  'last-token',
  'previous-layer',
  'activation-matrix',
  ...PARTS.map((parts) => `ensemble:parts=${parts}`),
  'adaptive',
  'onnx',
  'rpp',
];
const points = (columns, rows = [{}]) =>
  Object.entries(columns).reduce((made, [name, values]) => made.flatMap((row) => values.map((value) => ({ ...row, [name]: value }))), rows);
const most = (...values) => (SHORT ? values.slice(0, 2) : values);
const COUNTED = points({ tokens: most(1, 8, 32), ahead: [1, 8], experts: [64, 256] });
const ENCODERS = points({ tokens: most(1, 8, 32), ahead: [1], experts: [64, 256], hidden: [256, 2048] });
const NETWORKS = points({ tokens: most(1, 8, 32), ahead: [1], experts: [64, 256], hidden: [256, 1024] });
const passesFor = (tokens) => Math.max(16, Math.round(128 / tokens));

/** A trace of `tokens` streams beside one another, with token ids. */
async function traceOf(model, folder, tokens) {
  const { synthesize } = await fromBuild('trace/generate/synthetic.js');
  const { chunks } = await fromBuild('trace/trace.js');
  const { openTrace } = await fromBuild('trace/open/open.js');
  const { Random } = await fromBuild('base/random.js');
  const requests = Array.from({ length: tokens }, () => ({ prefill: 0, decode: passesFor(tokens) }));
  const trace = synthesize(model, { seed: 1, requests });
  const random = new Random(1, 'bench/token-ids');
  const lines = [JSON.stringify({ format: 'moeprof.trace/1', model: model.name })];
  for (const chunk of chunks(trace)) {
    for (let token = 0; token < chunk.tokens; token++) {
      const row = token * trace.layers * trace.topK;
      const experts = model.layers.map((_, l) => [...chunk.experts.subarray(row + l * trace.topK, row + (l + 1) * trace.topK)]);
      lines.push(JSON.stringify({ request: chunk.request[token], position: chunk.position[token], token: random.below(8192), experts }));
    }
  }
  trace.close();
  const path = join(folder, 'trace.jsonl');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return openTrace(path, { model });
}

/** An untrained network: weights do not change the time. @returns its path */
async function networkOf(model, folder, hidden) {
  const { Random } = await fromBuild('base/random.js');
  const { exportPredictor, buildTrainingGraphs } = await fromBuild('predict/onnx/training-graph.js');
  const network = { hidden, rank: 64, observed: true, tokenRows: null };
  const shape = { layers: model.layers, experts: model.experts, frequency: new Float64Array(model.experts).fill(0.125) };
  const random = new Random(1, 'bench/network');
  const weights = new Map(buildTrainingGraphs(network, shape).parameters.map((parameter) => [parameter.name, parameter.initial(random)]));
  const path = join(folder, 'predictor.onnx');
  writeFileSync(path, exportPredictor(network, shape, weights, {}));
  return path;
}

/** An untrained encoder of token ids, with `hidden` units inside its blocks. @returns its path */
async function encoderOf(model, folder, hidden) {
  const { Random } = await fromBuild('base/random.js');
  const { encoderGraphs, exportEncoder } = await fromBuild('predict/onnx/sequence/graphs.js');
  const network = { table: 128, width: 32, inside: hidden, blocks: 2, head: 64, history: true, tokenRows: 8192 };
  const shape = { layers: model.layers, experts: model.experts, frequency: new Float64Array(model.experts).fill(0.125) };
  const random = new Random(1, 'bench/encoder');
  const { parameters } = encoderGraphs(network, shape, 1, 2);
  const weights = new Map(parameters.map((parameter) => [parameter.name, parameter.initial(random)]));
  const path = join(folder, 'rpp.onnx');
  writeFileSync(path, exportEncoder(network, shape, weights, {}));
  return path;
}

/** Weights that a call multiplies: an encoder says so, of a network all of its file. */
async function weightsOf(file) {
  const { onnxMetadata } = await fromBuild('predict/onnx/predictor/onnx.js');
  return Number(onnxMetadata(file).get('moeprof.products') ?? statSync(file).size / 4);
}

/** The time that a tenth of the predictions stay below, ns; and weights of the file, where there is one. */
async function measure({ ahead, experts, hidden, kind, tokens }) {
  const { loadModel } = await fromBuild('model/load/load.js');
  const { createPredictor, parsePredictor } = await fromBuild('predict/predictors/create.js');
  const { Pass } = await fromBuild('schedule/pass.js');
  const { Request } = await fromBuild('schedule/request.js');
  const folder = mkdtempSync(join(tmpdir(), 'moeprof-bench-'));
  try {
    const path = join(folder, 'model.yaml');
    writeFileSync(path, readFileSync(MODEL, 'utf8').replace('experts: 64', `experts: ${experts}`));
    const model = loadModel(path);
    const trace = await traceOf(model, folder, tokens);
    const file = kind === 'onnx' ? await networkOf(model, folder, hidden) : kind === 'rpp' ? await encoderOf(model, folder, hidden) : null;
    const chosen = parsePredictor(file ?? kind);
    const predictor = await createPredictor({ chosen, model, trace, slots: tokens, seed: 1, training: [] });
    const pass = new Pass(trace, tokens);
    const scores = new Float32Array(model.experts);
    const shares = trace.requests.map(({ start, prefill, decode }, index) => ({
      request: new Request({ index, start, prefill, decode, arrivalNs: 0 }),
      tokens: 1,
    }));
    const times = [];
    const ask = (after) => {
      const start = process.hrtime.bigint();
      predictor.predict(pass, after, ahead, scores);
      times.push(Number(process.hrtime.bigint() - start));
    };
    for (; !shares[0].request.finished; pass.advance(shares)) {
      pass.fill(shares);
      // An encoder is asked before the pass; what it said then is read again.
      if (kind === 'rpp') ask(-1);
      for (let layer = 0; layer < trace.layers; layer++) {
        predictor.observe(pass, layer);
        if (kind !== 'rpp' && layer + ahead < trace.layers) ask(layer);
      }
    }
    trace.close();
    predictor.close?.();
    const warm = times.slice(times.length >> 1).sort((a, b) => a - b);
    return { ns: warm[Math.floor(warm.length / 10)], weights: file === null ? 0 : await weightsOf(file) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Least squares of relative errors; what would be negative is 0. */
function leastSquares(rows, solve) {
  const scaled = rows.map(({ columns, ns }) => columns.map((value) => value / ns));
  let active = scaled[0].map((_, i) => i);
  for (;;) {
    const sum = (i, j) => scaled.reduce((total, row) => total + row[i] * (j === undefined ? 1 : row[j]), 0);
    const solution = solve(
      active.map((i) => active.map((j) => sum(i, j))),
      active.map((i) => sum(i)),
    );
    const worst = solution.indexOf(Math.min(...solution));
    if (solution[worst] >= 0) return scaled[0].map((_, i) => (active.includes(i) ? solution[active.indexOf(i)] : 0));
    active = active.filter((_, i) => i !== worst);
  }
}

if (process.argv[2] === '--measure') {
  const { kind, rows } = JSON.parse(process.argv[3]);
  const measured = [];
  for (const point of rows) measured.push({ ...point, ...(await measure({ ...point, kind })) });
  console.log(JSON.stringify(measured));
  process.exit(0);
}
const { solve } = await fromBuild('base/linear.js');
console.log(`${machine()}\n`);
for (const kind of ARGUMENTS.length > 0 ? ARGUMENTS : SHORT ? ['last-token', 'onnx'] : NAMES) {
  const network = kind === 'onnx' || kind === 'rpp';
  const rows = inProcess(import.meta.url, { kind, rows: kind === 'rpp' ? ENCODERS : network ? NETWORKS : COUNTED });
  const fitted = rows.map(({ ahead, experts, ns, tokens, weights }) => ({
    ns,
    columns: network ? [1, weights, tokens * weights] : [1, tokens * ahead * experts],
  }));
  const constants = leastSquares(fitted, solve);
  const error = median(
    fitted.map(({ columns, ns }) => Math.abs(columns.reduce((total, value, i) => total + value * constants[i], 0) / ns - 1)),
  );
  console.log(
    `${kind}: ${constants.map((value) => Number(value.toPrecision(3))).join(' ns, ')} ns (median error ${Math.round(100 * error)} %)`,
  );
}

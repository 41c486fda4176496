// Speed and memory of `simulate`: node bench/run.mjs [activations in millions = 20] [runs = 5]; --short: 0.1 million, one run, to see that it runs
// Needs a build (npm run build). The trace is generated: 24 layers of 64 experts, top-8, requests of 512 tokens, seed 1. Every row is a
// process of its own and prints the median of its runs, whole calls of `simulate` from opening the trace to the finished result; the
// first run, which the compiler still works on, does not count. Rates are given by the clock, and by processor time (of all threads),
// which other programs on the machine disturb less. Rows with a predictor, whose work is mostly the predictor's, replay the first tenth.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromBuild, inProcess, machine, median } from './lib/bench.mjs';

const LAYERS = 24;
const TOP_K = 8;
const REQUEST = 512;
const MODEL = fileURLToPath(new URL('./lib/moe-24x64.yaml', import.meta.url));

const lru = { name: 'lru', cache: { policy: 'lru' } };
const plain = { system: lru, bounds: false };
/** What is run, by row; all else is the same: two tiers, an LRU cache of 25 % of the experts, batch 1. */
const ROWS = [
  ['global scope', plain],
  ['global scope, with bounds', { ...plain, bounds: true }],
  ['global scope, with bounds and details', { ...plain, bounds: true, details: true, than: 'global scope, with bounds' }],
  ['layer scope', { ...plain, system: { name: 'lru-layer', cache: { policy: 'lru', scope: 'layer' } } }],
  ['everything resident', { ...plain, memory: { expertCache: '100%' } }],
  ['batch 16', { ...plain, workload: { batch: 16 } }],
  ['batch 16, with bounds', { ...plain, bounds: true, workload: { batch: 16 } }],
  ['batch 16, with bounds and details', { ...plain, bounds: true, details: true, workload: { batch: 16 }, than: 'batch 16, with bounds' }],
  ['batch 64', { ...plain, workload: { batch: 64 } }],
  ['two GPUs, batch 16', { ...plain, hardware: '2x-rtx-4090', workload: { batch: 16 } }],
  ['sequential replay', { ...plain, replay: 'sequential' }],
  ['prefetch, last-token', { ...plain, system: { ...lru, predictor: { kind: 'last-token' } }, tenth: true }],
  ['prefetch, transition', { ...plain, system: { ...lru, predictor: { kind: 'transition' } }, tenth: true }],
];

/** Writes a trace of so many tokens. */
async function generate({ path, tokens }) {
  const { synthesize } = await fromBuild('trace/generate/synthetic.js');
  const { loadModel, loadRouting } = await fromBuild('model/load/load.js');
  const { writeSafetensors } = await fromBuild('trace/open/write.js');
  const requests = Array.from({ length: Math.ceil(tokens / REQUEST) }, () => ({ prefill: 0, decode: REQUEST }));
  const trace = synthesize(loadModel(MODEL), { seed: 1, requests, profile: loadRouting(MODEL) });
  writeSafetensors(trace, path);
  trace.close();
  return {};
}

/** Runs one configuration several times; `than` names the row that it is compared with. */
async function measure({ trace, tokens, runs, config: { details, tenth, than, ...config } }) {
  const { simulate } = await fromBuild('index.js');
  const workload = { tokens: tenth === true ? Math.ceil(tokens / 10) : tokens, ...config.workload };
  const run = { model: MODEL, trace, hardware: 'rtx-4090', memory: { expertCache: '25%' }, ...config, workload };
  const rates = [];
  const cpuRates = [];
  let hitRate = 0;
  for (let i = 0; i <= runs; i++) {
    const start = performance.now();
    const before = process.cpuUsage();
    const { metrics } = await simulate(run, { details });
    const { user, system } = process.cpuUsage(before);
    rates.push(metrics['experts.activations'].value / (performance.now() - start) / 1e3);
    cpuRates.push(metrics['experts.activations'].value / (user + system));
    hitRate = metrics['cache.hit_rate'].value;
  }
  const counted = (values) => median(runs === 0 ? values : values.slice(1));
  return { rate: counted(rates), cpuRate: counted(cpuRates), hitRate, peakMiB: process.resourceUsage().maxRSS / 1024 };
}

if (process.argv[2] === '--measure') {
  const task = JSON.parse(process.argv[3]);
  console.log(JSON.stringify(await (task.config === undefined ? generate(task) : measure(task))));
} else {
  const [millions, runs] = process.argv[2] === '--short' ? [0.1, 1] : [Number(process.argv[2] ?? 20), Number(process.argv[3] ?? 5)];
  const tokens = Math.ceil((millions * 1e6) / LAYERS / TOP_K);
  const folder = mkdtempSync(join(tmpdir(), 'moeprof-bench-'));
  const script = new URL(import.meta.url);
  try {
    const [once, twice] = [tokens, 2 * tokens].map((length) => ({ path: join(folder, `${length}.safetensors`), tokens: length }));
    for (const task of [once, twice]) inProcess(script, task);
    const run = (config, { path, tokens }, times) => inProcess(script, { trace: path, tokens, runs: times, config });
    console.log(`${machine()}; ${((tokens * LAYERS * TOP_K) / 1e6).toFixed(1)} million activations, median of ${runs} runs`);
    const cpuRates = new Map();
    console.table(
      ROWS.map(([what, config]) => {
        const { rate, cpuRate, hitRate, peakMiB } = run(config, once, runs);
        cpuRates.set(what, cpuRate);
        return {
          what,
          'M activations/s': Number(rate.toFixed(1)),
          'M per CPU second': Number(cpuRate.toFixed(1)),
          ...(config.than === undefined ? {} : { 'times as long as without': Number((cpuRates.get(config.than) / cpuRate).toFixed(2)) }),
          'hit rate': Number(hitRate.toFixed(3)),
          'peak MiB': Math.round(peakMiB),
        };
      }),
    );
    console.log('Peak memory of one run, MiB, which must not grow with the trace:');
    console.table(
      [ROWS[0], ROWS[1]].map(([what, config]) => {
        const [first, second] = [once, twice].map((trace) => Math.round(run(config, trace, 0).peakMiB));
        return { what, 'trace as above': first, 'twice as long': second };
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

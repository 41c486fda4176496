// The simulator against a real machine: node bench/a10.mjs [tokens = 256] [--short]. Needs a build (npm run build).
// Measured: an NVIDIA A10 decoding at batch 1 with llama.cpp, the experts of the first n layers computed on the CPU (--n-cpu-moe n), for two
// models. The machine is composed of parts with the bandwidths that were measured there (profiles/hardware/a10.yaml); what llama.cpp makes of
// it is that of every machine (profiles/runtimes/llama.cpp.yaml); of the machines that its constants were fitted on, this is one of a hundred.
// The models are known to the cost model by their sizes alone.
// Simulated: the system llama.cpp-static with the same n. Routing is synthetic, which does not matter here: at batch 1 a token computes
// top-k experts at every layer whichever they are, and where they lie depends on the layer only.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { ARGUMENTS, fromBuild, SHORT } from './lib/bench.mjs';

const { simulate } = await fromBuild('index.js');

/** Tokens per second as measured, by layers whose experts are on the CPU. */
const MEASURED = [
  ['qwen3-30b-a3b', 'q4_k_m', { 0: 145.6, 6: 127.1, 12: 110.6, 36: 74.2, 42: 69.2, 48: 63.1 }],
  ['gpt-oss-20b', 'mxfp4', { 0: 134.2, 3: 115.0, 6: 100.1, 12: 83.2, 18: 69.0, 24: 58.3 }],
];
/** What test/claims/engine/a10.test.ts promises: this machine has one vote among a hundred of the fit. */
const ALLOWED_PERCENT = 12;
const system = parse(readFileSync(new URL('../profiles/systems/llama.cpp-static.yaml', import.meta.url), 'utf8'));

const tokens = Number(ARGUMENTS[0] ?? (SHORT ? 32 : 256));
const rows = [];
for (const [model, quantization, byLayers] of MEASURED) {
  for (const [cpuLayers, measured] of Object.entries(byLayers)) {
    const { metrics } = await simulate({
      model,
      quantization,
      hardware: 'a10',
      system: { ...system, cache: { ...system.cache, policy: `static:by=layer,cpuLayers=${cpuLayers}` } },
      memory: { expertCache: '100%' },
      trace: 'synthetic',
      workload: { tokens, prompt: 0, output: tokens },
      bounds: false,
    });
    const simulated = metrics['speed.decode'].value;
    const error = (simulated / measured - 1) * 100;
    rows.push({
      model: `${model} ${quantization}`,
      'layers on the CPU': Number(cpuLayers),
      'measured tok/s': measured,
      'simulated tok/s': Number(simulated.toFixed(1)),
      'error %': Number(error.toFixed(1)),
    });
  }
}
console.table(rows);
const worst = Math.max(...rows.map((row) => Math.abs(row['error %'])));
console.log(`largest error ${worst.toFixed(1)} %, at most ${ALLOWED_PERCENT} % is allowed`);
if (worst > ALLOWED_PERCENT) process.exitCode = 1;

// moeprof against a real engine on this machine: node bench/llama.mjs [rounds = 3] [--short] [--write]. Needs a build (npm run build) and
// node-llama-cpp, which is llama.cpp as a Node module, with kernels for each instruction set; `npm run bench:llama` installs it below build/
// (Linux on x64), and LLAMA_NODE names a folder where it was installed.
//
// Mixture-of-Experts models of random weights are written as GGUF files; llama.cpp reads a prompt and decodes on the CPU with one and two
// threads, with and without mmap, in turns over all models, medians count. Two models teach what this machine is off by, as
// `moeprof machine learn` does; the others are predicted from their files alone. Once more with a file larger than the memory that a
// process may have, if that can be limited.
// --short does all that with three tiny models, to see whether it runs: its figures mean nothing. --write puts the table into
// bench/llama.md.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { fromBuild, machine, markdownTable, median } from './lib/bench.mjs';
import { engineVersion, inEngine } from './lib/llama-engine.mjs';
import { memoryLimit } from './lib/memory-limit.mjs';
import { writeRandomMoe } from './lib/random-moe-gguf.mjs';

const SHORT = process.argv.includes('--short');
const PROMPT = SHORT ? 64 : 256;
const DECODE = SHORT ? 8 : 32;
/** How each model runs. */
const WAYS = [
  { threads: 2, mmap: true },
  { threads: 1, mmap: true },
  { threads: 2, mmap: false },
];

const small = { layers: 4, hidden: 2048, experts: 32, topK: 8, width: 768, heads: 16, kvHeads: 4, headSize: 128 };
const large = { layers: 2, hidden: 2048, experts: 8, topK: 2, width: 5632, heads: 16, kvHeads: 8, headSize: 128 };
const latent = { queryRank: 768, rank: 512, rope: 64, nope: 128, value: 128 };

const tiny = { layers: 2, hidden: 512, experts: 8, topK: 2, width: 256, heads: 4, kvHeads: 2, headSize: 128 };

/** Models; the first two calibrate. */
const MODELS = SHORT
  ? {
      'qwen3moe q4_k': { ...tiny, architecture: 'qwen3moe', format: 'q4_k' },
      'mixtral q8_0': { ...tiny, architecture: 'llama', format: 'q8_0' },
      'qwen3moe q4_0': { ...tiny, architecture: 'qwen3moe', format: 'q4_0' },
    }
  : {
      'qwen3moe q4_k': { ...small, architecture: 'qwen3moe', format: 'q4_k' },
      'mixtral q8_0': { ...large, architecture: 'llama', format: 'q8_0' },
      'qwen3moe q8_0': { ...small, architecture: 'qwen3moe', format: 'q8_0' },
      'qwen3moe f16': { ...small, layers: 3, architecture: 'qwen3moe', format: 'f16' },
      'qwen3moe q4_0, wide': { ...small, hidden: 4096, width: 1536, experts: 16, topK: 4, architecture: 'qwen3moe', format: 'q4_0' },
      'mixtral q4_0': { ...large, architecture: 'llama', format: 'q4_0' },
      'mixtral q4_k': { ...large, architecture: 'llama', format: 'q4_k' },
      'gpt-oss mxfp4': { ...small, layers: 2, hidden: 2880, width: 2880, experts: 8, topK: 4, architecture: 'gpt-oss', format: 'mxfp4' },
      'deepseek2 q4_k': { ...small, width: 1536, topK: 6, architecture: 'deepseek2', format: 'q4_k', latent },
      'deepseek2 q8_0': { ...small, width: 1536, topK: 6, architecture: 'deepseek2', format: 'q8_0', latent },
      // Their prompts are longer: what attention over them costs.
      'qwen3moe q4_k, deep': { ...small, architecture: 'qwen3moe', format: 'q4_k', prompt: 3000 },
      'deepseek2 q4_k, deep': { ...small, width: 1536, topK: 6, architecture: 'deepseek2', format: 'q4_k', latent, prompt: 3000 },
      // Added after the last constant was chosen.
      'gpt-oss mxfp4, narrow': { ...small, width: 1024, topK: 4, architecture: 'gpt-oss', format: 'mxfp4' },
      'qwen3moe q4_0': { ...small, architecture: 'qwen3moe', format: 'q4_0' },
      'mixtral f16': { ...large, architecture: 'llama', format: 'f16' },
      'qwen3moe q4_k, wide': { ...small, hidden: 3072, width: 1280, experts: 16, topK: 4, architecture: 'qwen3moe', format: 'q4_k' },
    };
/** Models at the end of the list from which no constant was chosen. */
const LATER = SHORT ? 1 : 4;
const CALIBRATING = 2;

/** Part of the time for which threads may have waited for a processor (median) in what is written down. */
const QUIET = 0.1;

await main(SHORT ? 1 : Number(process.argv.slice(2).find((word) => /^\d+$/.test(word)) ?? 3));

async function main(rounds) {
  const version = engineVersion();
  const folder = mkdtempSync(join(tmpdir(), 'moeprof-llama-'));
  const forget = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', forget);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
  const told = `${machine()}; node-llama-cpp ${version}, prompts of about ${PROMPT} and 3000 tokens, medians of ${rounds} rounds`;
  console.log(told);
  const measured = measureAll(folder, rounds);
  const { factors, speeds: predicted } = await predictAll(measured, machinesOf(folder));
  const table = measured.map((row, i) => lineOf(row, predicted[i]));
  console.table(table);
  const others = table.slice(CALIBRATING * WAYS.length);
  const errors = ['decode', 'prompt'].map((metric) => {
    const sizes = others.map((row) => Math.abs(row[`${metric} %`]));
    const later = median(sizes.slice(-LATER * WAYS.length));
    return `${metric}: median error ${median(sizes).toFixed(1)} %, largest ${Math.max(...sizes).toFixed(1)} %, of ${sizes.length} runs of ${Object.keys(MODELS).length - CALIBRATING} models that nothing was calibrated on; ${later.toFixed(1)} % of the last ${LATER}, from which no constant was chosen`;
  });
  const waits = measured.map(({ waited }) => waited);
  const disturbed = `threads waited for a processor for ${(100 * median(waits)).toFixed(1)} % of the time (median), at worst ${(100 * Math.max(...waits)).toFixed(1)} %`;
  console.log([...errors, disturbed].join('\n'));
  const limited = mapped(measured[0]);
  if (!process.argv.includes('--write')) return;
  if (median(waits) > QUIET) console.log('bench/llama.md stays as it is: others used the processors for too much of the time');
  else write({ table, errors, disturbed, limited, told, factors });
}

/** Speeds of every model in every way: medians of the rounds, and the largest part of the time for which threads waited. */
function measureAll(folder, rounds) {
  const rows = Object.entries(MODELS).flatMap(([name, shape], i) => {
    const path = join(folder, `${i}.gguf`);
    const bytes = writeRandomMoe(path, shape);
    return WAYS.map((way) => ({ name, path, bytes, way, length: shape.prompt ?? PROMPT, seen: [] }));
  });
  for (let round = 0; round < rounds; round++) {
    for (const row of rows) row.seen.push(speedsOf(row));
    console.error(`round ${round + 1} of ${rounds}, load ${loadavg()[0].toFixed(1)}`);
  }
  return rows.map(({ seen, ...row }) => ({
    ...row,
    decode: median(seen.map(({ decode }) => decode)),
    prefill: median(seen.map(({ prefill }) => prefill)),
    prompt: seen[0].prompt,
    waited: Math.max(...seen.map(({ waited }) => waited ?? Number.NaN)),
  }));
}

/** Files of this machine, whose memory is measured, with as many cores as there are threads. */
function machinesOf(folder) {
  const seen = join(folder, 'machine.yaml');
  const bin = fileURLToPath(new URL('../bin/moeprof.js', import.meta.url));
  execFileSync(process.execPath, [bin, 'machine', 'calibrate', '-q', '--measure', 'memory', '-o', seen]);
  const machine = parse(readFileSync(seen, 'utf8'));
  const pathOf = ({ threads }) => join(folder, `machine-${threads}.yaml`);
  for (const way of WAYS) writeFileSync(pathOf(way), stringify({ ...machine, cpu: { ...machine.cpu, cores: way.threads } }));
  return pathOf;
}

/** A line of the table. */
function lineOf(row, predicted) {
  const off = (metric) => Number(((predicted[metric] / row[metric] - 1) * 100).toFixed(1));
  return {
    model: row.name,
    threads: row.way.threads,
    mmap: row.way.mmap ? 'yes' : 'no',
    'decode tok/s': Number(row.decode.toFixed(1)),
    'predicted decode': Number(predicted.decode.toFixed(1)),
    'decode %': off('decode'),
    'prompt tok/s': Number(row.prefill.toFixed(1)),
    'predicted prompt': Number(predicted.prefill.toFixed(1)),
    'prompt %': off('prefill'),
    '': Object.keys(MODELS).indexOf(row.name) < CALIBRATING ? 'calibrates' : '',
  };
}

/** Speeds in tokens a second, and part of the time for which threads waited. */
function speedsOf({ length, path, way }, before = []) {
  const task = { path, way: { ...way, gpu: false, gpuLayers: 0 }, batch: PROMPT, prompts: [length], decode: DECODE, repeats: 1 };
  const {
    decode,
    prompts: [{ ms, tokens }],
    waited,
  } = inEngine(task, before);
  return { decode: 1000 / decode, prefill: (1000 * tokens) / ms, prompt: tokens, waited };
}

/** Predictions of all models, by a machine that the first two have taught. */
async function predictAll(rows, machineOf) {
  const { simulateInputs } = await fromBuild('engine/simulate.js');
  const { openInputs } = await fromBuild('engine/inputs/inputs.js');
  const { checkRun } = await fromBuild('system/load-run.js');
  const { nudged, timeShares } = await fromBuild('hardware/learned.js');
  const { KNOBS } = await fromBuild('hardware/knobs.js');
  const { expectedSteps } = await fromBuild('hardware/posterior.js');
  const speed = async (row, learned) => {
    const run = async (workload, metric) => {
      const input = {
        model: row.path,
        hardware: machineOf(row.way),
        runtime: 'llama.cpp',
        system: 'llama.cpp-static',
        trace: 'synthetic',
        bounds: false,
        workload,
      };
      const checked = { ...checkRun(input, 'bench'), learned };
      const { metrics } = await simulateInputs(await openInputs(checked), checked);
      return metrics[metric].value;
    };
    return {
      decode: await run({ tokens: DECODE, prompt: 0, output: DECODE, context: row.prompt }, 'speed.decode'),
      prefill: await run({ tokens: row.prompt + 1, prompt: row.prompt, output: 1 }, 'speed.prefill'),
    };
  };
  const nothing = { taught: [], timings: 0, model: null };
  const taught = [];
  for (const row of rows.slice(0, CALIBRATING * WAYS.length)) {
    const here = await speed(row, nothing);
    const turned = [];
    for (const one of nudged(nothing)) turned.push(await speed(row, one));
    for (const kind of ['decode', 'prefill'])
      taught.push({
        ...{ kind, runtime: 'llama.cpp', model: row.path, strategy: null },
        residual: Math.log(here[kind] / row[kind]),
        shares: timeShares(
          here[kind],
          turned.map((one) => one[kind]),
        ),
      });
  }
  const steps = expectedSteps(taught, { runtime: 'llama.cpp', model: null });
  const factors = KNOBS.map(({ name }, i) => `${name} x ${Math.exp(steps[i]).toFixed(2)}`)
    .filter((_, i) => Math.abs(steps[i]) > 0.005)
    .join(', ');
  console.log(`learned, as times: ${factors}`);
  const speeds = [];
  for (const row of rows) speeds.push(await speed(row, { taught, timings: taught.length, model: row.path }));
  return { speeds, factors };
}

/** The same model where a process may have two thirds of the file's bytes: its pages are read again and again. */
function mapped(row) {
  const limit = Math.round(row.bytes * 0.67);
  const limited = memoryLimit(limit);
  if ('lacks' in limited) return told(`SKIPPED: a file larger than memory: ${limited.lacks}`);
  try {
    const { decode } = speedsOf(row, limited.command);
    return told(
      `${row.name} with ${(limit / 2 ** 30).toFixed(2)} GiB of memory (${limited.by}): ${decode.toFixed(1)} tok/s instead of ${row.decode.toFixed(1)}`,
    );
  } finally {
    limited.close();
  }
}

function told(text) {
  console.log(text);
  return text;
}

/** The section of bench/llama.md. */
function write({ disturbed, errors, factors, limited, table, told: where }) {
  const text = [
    '## A real engine beside the prediction',
    '',
    'llama.cpp itself, as a Node module, on models of random weights, on the CPU: `npm run bench:llama -- --write` measures, calibrates on all',
    'runs of the first two models and predicts the others from their files alone. It writes this section where threads waited for a processor',
    'for at most a tenth of the time. Shares of formats in prompts (`cpu.products`) and the unpacking of q4_0 and mxfp4 with AVX-512',
    '(`cpu.weightsPerCycle`) are known from this machine alone: for those formats the table shows a fit. With one value for all formats, and',
    'two runs to calibrate on, ten of these models had 17.8 % for decoding and 33.6 % for prompts.',
    '',
    `Measured on ${new Date().toISOString().slice(0, 10)}. ${where}. Constants: ${factors}.`,
    '',
    ...errors.map((one) => `- ${one}`),
    `- ${disturbed}`,
    `- ${limited}`,
    '',
    ...markdownTable(table),
    '',
  ].join('\n');
  writeFileSync(fileURLToPath(new URL('./llama.md', import.meta.url)), text);
}

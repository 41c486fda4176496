// moeprof against a real engine on this machine: node bench/llama.mjs [rounds = 3] [--short] [--write]. Needs a build (npm run build) and
// @fugood/llama.node, which is llama.cpp as a Node module; `npm run bench:llama` installs it beside the package, without saving it, and
// LLAMA_NODE names a folder where it was installed.
//
// Mixture-of-Experts models of random weights are written as GGUF files; llama.cpp reads a prompt and decodes on the CPU, in turns over all
// models, medians count. Two models calibrate the runtime's constants for this machine, as `moeprof machine calibrate` does; the others are
// predicted from their files alone. Once more with a file larger than the memory that a process may have, where that can be limited.
// --short does all that with three tiny models, to see whether it runs: its figures mean nothing. --write puts the table into
// bench/llama.md, which docs/accuracy.md ends with.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fromBuild, machine, median } from './lib/bench.mjs';
import { memoryLimit } from './lib/memory-limit.mjs';
import { writeRandomMoe } from './lib/random-moe-gguf.mjs';

const SHORT = process.argv.includes('--short');
const PROMPT = SHORT ? 64 : 256;
const DECODE = SHORT ? 8 : 32;
const THREADS = 2;

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
    };
const CALIBRATING = 2;

/** What is known of the rows that lie far off. */
const PLAIN = [
  'Prompts of f16 and mxfp4 lie far off: this prebuilt engine has vector kernels for the other formats only, and computes these weight by',
  'weight. The constants of the first two models know nothing of that.',
];
/** Part of the time for which threads may have waited for a processor (median) in what is written down. */
const QUIET = 0.1;

if (process.argv[2] === '--measure') await measure(process.argv[3]);
else await main(SHORT ? 1 : Number(process.argv.slice(2).find((word) => /^\d+$/.test(word)) ?? 3));

/** In a process of its own: prints the speeds of llama.cpp on a file, as JSON. */
async function measure(path) {
  const llama = await import(pathToFileURL(fromEngine().resolve('@fugood/llama.node')).href);
  const context = await llama.loadModel({
    model: path,
    n_ctx: 1024,
    n_gpu_layers: 0,
    n_threads: THREADS,
    n_ubatch: PROMPT,
    n_batch: PROMPT,
  });
  // Bytes are tokens of this vocabulary, behind a mark of the beginning and a space.
  // The second prompt shares no beginning with the first, whose keys and values are still there.
  const promptOf = (first, tokens) => Array.from({ length: (tokens - 4) / 7 }, (_, i) => `${first}${(i * 37) % 89}`).join(' ');
  const run = (first, tokens, n) =>
    context.completion({ prompt: promptOf(first, tokens), n_predict: n, ignore_eos: true, temperature: 1, seed: 1, cache_prompt: false });
  // A short one touches every expert.
  await run('v', 32, 4);
  const before = waitedMs();
  const { timings } = await run('w', PROMPT, DECODE);
  const { predicted_ms, predicted_n, prompt_ms, prompt_n } = timings;
  const waited = (waitedMs() - before) / (THREADS * (predicted_ms + prompt_ms));
  writeFileSync(
    3,
    JSON.stringify({ decode: (1000 * predicted_n) / predicted_ms, prefill: (1000 * prompt_n) / prompt_ms, prompt: prompt_n, waited }),
  );
  process.exit(0);
}

/** ms for which all threads of this process have waited for a processor; NaN where the system does not tell. */
function waitedMs() {
  try {
    const threads = readdirSync('/proc/self/task').map((id) => readFileSync(`/proc/self/task/${id}/schedstat`, 'utf8').split(' '));
    return threads.reduce((sum, [, waited]) => sum + Number(waited) / 1e6, 0);
  } catch {
    return Number.NaN;
  }
}

async function main(rounds) {
  const { version } = installed();
  const folder = mkdtempSync(join(tmpdir(), 'moeprof-llama-'));
  const forget = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', forget);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
  const told = `${machine()}; llama.node ${version}, ${THREADS} threads, prompts of about ${PROMPT} tokens, medians of ${rounds} rounds`;
  console.log(told);
  const rows = Object.entries(MODELS).map(([name, shape], i) => {
    const path = join(folder, `${i}.gguf`);
    return { name, path, bytes: writeRandomMoe(path, shape), measured: [] };
  });
  for (let round = 0; round < rounds; round++) {
    for (const row of rows) row.measured.push(inChild(row.path));
    console.error(`round ${round + 1} of ${rounds}, load ${loadavg()[0].toFixed(1)}`);
  }
  const waits = rows.flatMap(({ measured }) => measured.map(({ waited }) => waited ?? Number.NaN));
  const speeds = rows.map((row) => ({
    ...row,
    decode: median(row.measured.map(({ decode }) => decode)),
    prefill: median(row.measured.map(({ prefill }) => prefill)),
    prompt: row.measured[0].prompt,
  }));
  const hardware = join(folder, 'machine.yaml');
  const bin = fileURLToPath(new URL('../bin/moeprof.js', import.meta.url));
  execFileSync(process.execPath, [bin, 'machine', 'detect', '-q', '-o', hardware]);
  const { factors, speeds: predicted } = await predictAll(speeds, hardware);
  const table = speeds.map((row, i) => {
    const one = (metric) => Number(((predicted[i][metric] / row[metric] - 1) * 100).toFixed(1));
    return {
      model: row.name,
      GiB: Number((row.bytes / 2 ** 30).toFixed(2)),
      'decode tok/s': Number(row.decode.toFixed(1)),
      'predicted decode': Number(predicted[i].decode.toFixed(1)),
      'decode %': one('decode'),
      'prompt tok/s': Number(row.prefill.toFixed(1)),
      'predicted prompt': Number(predicted[i].prefill.toFixed(1)),
      'prompt %': one('prefill'),
      '': i < CALIBRATING ? 'calibrates' : '',
    };
  });
  console.table(table);
  const errors = ['decode', 'prompt'].map((metric) => {
    const sizes = table.slice(CALIBRATING).map((row) => Math.abs(row[`${metric} %`]));
    return `${metric}: median error ${median(sizes).toFixed(1)} %, largest ${Math.max(...sizes).toFixed(1)} %, of ${sizes.length} models`;
  });
  const disturbed = `threads waited for a processor for ${(100 * median(waits)).toFixed(1)} % of the time (median), at worst ${(100 * Math.max(...waits)).toFixed(1)} %`;
  console.log([...errors, disturbed].join('\n'));
  const limited = mapped(speeds[0], median(table.slice(0, 1).map((row) => row['decode tok/s'])));
  if (!process.argv.includes('--write')) return;
  if (median(waits) > QUIET) console.log('bench/llama.md stays as it is: others used the processors for too much of the time');
  else write({ table, errors, disturbed, limited, told, factors });
}

/** What resolves the package: LLAMA_NODE, or where this file lies. */
function fromEngine() {
  return createRequire(process.env.LLAMA_NODE === undefined ? import.meta.url : join(process.env.LLAMA_NODE, 'package.json'));
}

/** The package of llama.cpp; ends where it is not there. */
function installed() {
  try {
    return JSON.parse(readFileSync(fromEngine().resolve('@fugood/llama.node/package.json'), 'utf8'));
  } catch {
    console.error('@fugood/llama.node is not installed: npm run bench:llama installs it for this run');
    process.exit(2);
  }
}

function inChild(path, before = []) {
  const [command, ...args] = [...before, process.execPath, fileURLToPath(import.meta.url), '--measure', path];
  const child = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  if (child.status !== 0 || !child.output[3]) throw new Error(`llama.cpp on ${path} ended with ${child.status ?? child.signal}`);
  return JSON.parse(child.output[3]);
}

/** Predictions of all models, by a runtime that the first two have calibrated. */
async function predictAll(rows, hardware) {
  const { simulateRun } = await fromBuild('engine/simulate.js');
  const { checkRun } = await fromBuild('system/load-run.js');
  const { loadRuntime } = await fromBuild('hardware/runtime.js');
  const { KNOBS, turnedBy } = await fromBuild('hardware/knobs.js');
  const { fitKnobs } = await fromBuild('measured/machine/calibration.js');
  const { constantsApart } = await fromBuild('hardware/runtime.js');
  const runtime = loadRuntime('llama.cpp');
  const speed = async (row, steps) => {
    const turned = constantsApart(runtime, turnedBy(runtime, steps));
    const overrides = leaves(turned).map(([path, value]) => ({ path: ['runtime', ...path], value, label: 'bench' }));
    const run = async (workload, metric) => {
      const input = {
        model: row.path,
        hardware,
        runtime: 'llama.cpp',
        system: 'llama.cpp-static',
        trace: 'synthetic',
        bounds: false,
        workload,
      };
      const { metrics } = await simulateRun(checkRun(input, 'bench', overrides));
      return metrics[metric].value;
    };
    return {
      decode: await run({ tokens: DECODE, prompt: 0, output: DECODE, context: row.prompt }, 'speed.decode'),
      prefill: await run({ tokens: row.prompt + 1, prompt: row.prompt, output: 1 }, 'speed.prefill'),
    };
  };
  let steps = KNOBS.map(() => 0);
  for (let round = 0; round < 3; round++) {
    const told = [];
    for (const row of rows.slice(0, CALIBRATING)) {
      const here = await speed(row, steps);
      const turned = [];
      for (const k of KNOBS.keys())
        turned.push(
          await speed(
            row,
            steps.map((step, i) => (i === k ? step + 0.1 : step)),
          ),
        );
      for (const metric of ['decode', 'prefill'])
        told.push({
          residual: Math.log(here[metric] / row[metric]),
          slopes: turned.map((one) => Math.log(one[metric] / here[metric]) / 0.1),
        });
    }
    steps = fitKnobs(told, steps);
  }
  const factors = KNOBS.map(({ name }, i) => `${name} x ${Math.exp(steps[i]).toFixed(2)}`)
    .filter((_, i) => Math.abs(steps[i]) > 0.005)
    .join(', ');
  console.log(`calibrated: ${factors}`);
  const speeds = [];
  for (const row of rows) speeds.push(await speed(row, steps));
  return { speeds, factors };
}

/** Paths and values of an object of objects. */
function leaves(value, path = []) {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

/** The same model where a process may have two thirds of the file's bytes: its pages are read again and again. */
function mapped(row, whole) {
  const limit = Math.round(row.bytes * 0.67);
  const limited = memoryLimit(limit);
  if ('lacks' in limited) return told(`SKIPPED: a file larger than memory: ${limited.lacks}`);
  try {
    const { decode } = inChild(row.path, limited.command);
    return told(
      `${row.name} with ${(limit / 2 ** 30).toFixed(2)} GiB of memory (${limited.by}): ${decode.toFixed(1)} tok/s instead of ${whole.toFixed(1)}`,
    );
  } finally {
    limited.close();
  }
}

function told(text) {
  console.log(text);
  return text;
}

/** The section of docs/accuracy.md. */
function write({ disturbed, errors, factors, limited, table, told: where }) {
  const heads = Object.keys(table[0]);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const text = [
    '## A real engine beside the prediction',
    '',
    'llama.cpp itself, as a Node module, on models of random weights: `npm run bench:llama -- --write` measures, calibrates on the first two',
    'models and predicts the others from their files alone. It writes this section where threads waited for a processor for at most a tenth of the',
    'time.',
    '',
    `Measured on ${new Date().toISOString().slice(0, 10)}. ${where}. Constants: ${factors}.`,
    '',
    ...errors.map((one) => `- ${one}`),
    `- ${disturbed}`,
    `- ${limited}`,
    '',
    line(heads),
    line(heads.map((_, i) => (i === 0 ? '---' : '---:'))),
    ...table.map((row) => line(heads.map((head) => row[head]))),
    '',
    ...PLAIN,
    '',
  ].join('\n');
  writeFileSync(fileURLToPath(new URL('./llama.md', import.meta.url)), text);
}

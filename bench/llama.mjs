// moeprof against a real engine on this machine: node bench/llama.mjs [rounds = 3]. Needs a build (npm run build) and @fugood/llama.node, which
// is llama.cpp as a Node module; `npm run bench:llama` installs it beside the package, without saving it.
//
// Mixture-of-Experts models of random weights are written as GGUF files; llama.cpp reads a prompt and decodes on the CPU, in turns over all
// models, medians count. Two models calibrate the runtime's constants for this machine, as `moeprof machine calibrate` does; the others are
// predicted from their files alone. Once more with a file larger than the memory that a process may have, where that can be limited.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromDist, machine, median } from './lib/bench.mjs';
import { writeRandomMoe } from './lib/random-moe-gguf.mjs';

const PROMPT = 256;
const DECODE = 32;

const small = { layers: 4, hidden: 2048, experts: 32, topK: 8, width: 768, heads: 16, kvHeads: 4, headSize: 128 };
const large = { layers: 2, hidden: 2048, experts: 8, topK: 2, width: 5632, heads: 16, kvHeads: 8, headSize: 128 };
const latent = { queryRank: 768, rank: 512, rope: 64, nope: 128, value: 128 };

/** Models; the first two calibrate. */
const MODELS = {
  'qwen3moe q4_k': { ...small, architecture: 'qwen3moe', format: 'q4_k' },
  'mixtral q8_0': { ...large, architecture: 'llama', format: 'q8_0' },
  'qwen3moe q8_0': { ...small, architecture: 'qwen3moe', format: 'q8_0' },
  'qwen3moe f16': { ...small, layers: 3, architecture: 'qwen3moe', format: 'f16' },
  'qwen3moe q4_0, wide': { ...small, hidden: 4096, width: 1536, experts: 16, topK: 4, architecture: 'qwen3moe', format: 'q4_0' },
  'mixtral q4_0': { ...large, architecture: 'llama', format: 'q4_0' },
  'mixtral q4_k': { ...large, architecture: 'llama', format: 'q4_k' },
  'gpt-oss mxfp4': { ...small, hidden: 2880, width: 2880, experts: 8, topK: 4, architecture: 'gpt-oss', format: 'mxfp4' },
  'deepseek2 q4_k': { ...small, width: 1536, topK: 6, architecture: 'deepseek2', format: 'q4_k', latent },
  'deepseek2 q8_0': { ...small, width: 1536, topK: 6, architecture: 'deepseek2', format: 'q8_0', latent },
};
const CALIBRATING = 2;

if (process.argv[2] === '--measure') await measure(process.argv[3]);
else await main(Number(process.argv[2] ?? 3));

/** In a process of its own: prints the speeds of llama.cpp on a file, as JSON. */
async function measure(path) {
  const llama = await import('@fugood/llama.node');
  const context = await llama.loadModel({ model: path, n_ctx: 1024, n_gpu_layers: 0, n_threads: 2, n_ubatch: PROMPT, n_batch: PROMPT });
  // Bytes are tokens of this vocabulary, behind a mark of the beginning and a space.
  // The second prompt shares no beginning with the first, whose keys and values are still there.
  const promptOf = (first) => Array.from({ length: (PROMPT - 4) / 7 }, (_, i) => `${first}${(i * 37) % 89}`).join(' ');
  const run = (first, n) =>
    context.completion({ prompt: promptOf(first), n_predict: n, ignore_eos: true, temperature: 1, seed: 1, cache_prompt: false });
  await run('v', 4);
  const { timings } = await run('w', DECODE);
  const { predicted_ms, predicted_n, prompt_ms, prompt_n } = timings;
  writeFileSync(
    3,
    JSON.stringify({ decode: (1000 * predicted_n) / predicted_ms, prefill: (1000 * prompt_n) / prompt_ms, prompt: prompt_n }),
  );
  process.exit(0);
}

async function main(rounds) {
  const { version } = installed();
  const folder = mkdtempSync(join(tmpdir(), 'moeprof-llama-'));
  const forget = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', forget);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
  console.log(`${machine()}; llama.node ${version}, 2 threads, prompts of about ${PROMPT} tokens, medians of ${rounds} rounds`);
  const rows = Object.entries(MODELS).map(([name, shape], i) => {
    const path = join(folder, `${i}.gguf`);
    return { name, path, bytes: writeRandomMoe(path, shape), measured: [] };
  });
  for (let round = 0; round < rounds; round++) for (const row of rows) row.measured.push(inChild(row.path));
  const speeds = rows.map((row) => ({
    ...row,
    decode: median(row.measured.map(({ decode }) => decode)),
    prefill: median(row.measured.map(({ prefill }) => prefill)),
    prompt: row.measured[0].prompt,
  }));
  const hardware = join(folder, 'machine.yaml');
  const bin = fileURLToPath(new URL('../bin/moeprof.js', import.meta.url));
  execFileSync(process.execPath, [bin, 'machine', 'detect', '-q', '-o', hardware]);
  const predicted = await predictAll(speeds, hardware);
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
  for (const metric of ['decode', 'prompt']) {
    const errors = table.slice(CALIBRATING).map((row) => Math.abs(row[`${metric} %`]));
    console.log(
      `${metric}: median error ${median(errors).toFixed(1)} %, largest ${Math.max(...errors).toFixed(1)} %, of ${errors.length} models`,
    );
  }
  mapped(speeds[0]);
}

/** The package of llama.cpp; ends where it is not there. */
function installed() {
  try {
    return JSON.parse(readFileSync(createRequire(import.meta.url).resolve('@fugood/llama.node/package.json'), 'utf8'));
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
  const { simulateRun } = await fromDist('engine/simulate.js');
  const { checkRun } = await fromDist('system/run.js');
  const { loadRuntime } = await fromDist('hardware/runtime.js');
  const { KNOBS, turnedBy } = await fromDist('explore/machine/knobs.js');
  const { fitSteps } = await fromDist('explore/machine/calibration.js');
  const { constantsApart } = await fromDist('hardware/runtime.js');
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
    steps = fitSteps(told, steps);
  }
  console.log(
    `calibrated: ${KNOBS.map(({ name }, i) => `${name} x ${Math.exp(steps[i]).toFixed(2)}`)
      .filter((_, i) => Math.abs(steps[i]) > 0.005)
      .join(', ')}`,
  );
  const all = [];
  for (const row of rows) all.push(await speed(row, steps));
  return all;
}

/** Paths and values of an object of objects. */
function leaves(value, path = []) {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

/** The same model where a process may have two thirds of the file's bytes: its pages are read again and again. */
function mapped(row) {
  const limit = Math.round(row.bytes * 0.67);
  const scope = ['systemd-run', '--scope', '--quiet', '-p', `MemoryMax=${limit}`, '-p', 'MemorySwapMax=0'];
  if (spawnSync(scope[0], [...scope.slice(1), 'true']).status !== 0) {
    console.log('SKIPPED: a file larger than memory; nothing here may limit the memory of a process (systemd-run --scope)');
    return;
  }
  const { decode } = inChild(row.path, scope);
  console.log(
    `${row.name} with ${(limit / 2 ** 30).toFixed(2)} GiB of memory: ${decode.toFixed(1)} tok/s instead of ${row.decode.toFixed(1)}`,
  );
}

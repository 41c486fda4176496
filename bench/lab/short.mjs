// The slice that runs wherever npm does: an unmodified llama.cpp, called by its C API in a process of its own, plans models without their
// weights on the CPU. What it prints of its buffers stands beside moeprof's figures for that build. As a JSON report it is counted with the
// tests of the repository: LAB_REPORT names the file.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromBuild } from '../lib/bench.mjs';
import { writeSparseGguf } from '../lib/gguf-file.mjs';
import { CACHE } from './engine.mjs';
import { SHAPES, tableOf } from './shapes.mjs';

/** Models of the slice, all at q8_0: every matrix is stored in it, so that no rule of quantization is needed. */
const MODELS = ['qwen3-30b-a3b', 'mixtral-8x7b', 'deepseek-v2-lite', 'glm-4.7-flash', 'olmoe-1b-7b', 'ernie-4.5-21b-a3b', 'minimax-m2.5'];
const PLANS = [
  { context: 8192, ubatch: 512 },
  { context: 32768, ubatch: 2048 },
];

/** The last digit of the file's size as the engine prints it, in MiB. */
const WEIGHTS_DIGIT = 10.24;

/** The share of a compute buffer by which it may be missed. */
const COMPUTE_ERROR = 0.03;
const MIB = 2 ** 20;

/** Runs the slice; the exit code is 1 where a figure is missed. */
export async function short(moeprof) {
  const folder = packages();
  if (folder === null) {
    console.log('SKIPPED: llama.cpp beside the figures of memory (npm run lab -- --short), which npm cannot fetch here');
    return report([]);
  }
  const rows = MODELS.flatMap((model) => {
    const path = sparseFile(SHAPES.find((shape) => shape.model === model));
    const file = moeprof.loadModel(path);
    return PLANS.map((plan) => rowOf(moeprof, file, path, { model, ...plan }, folder));
  });
  console.table(rows.map(({ error: _, ...row }) => row));
  const missed = rows.filter(({ error }) => error !== null);
  for (const { context, error, model, ubatch } of missed) console.error(`${model}, -c ${context} -ub ${ubatch}: ${error}`);
  console.log(`lab: ${rows.length - missed.length} of ${rows.length} plans met by llama.cpp ${rows[0]?.build ?? ''}`);
  process.exitCode = missed.length > 0 ? 1 : 0;
  return report(rows);
}

/** Writes what is counted beside the tests. */
function report(rows) {
  const { LAB_REPORT } = process.env;
  if (LAB_REPORT === undefined) return;
  const assertionResults = rows.map(({ context, error, model, ubatch }) => ({
    fullName: `lab: ${model} with ${context} tokens in passes of ${ubatch}`,
    status: error === null ? 'passed' : 'failed',
  }));
  const none = { fullName: 'lab: llama.cpp by FFI', status: 'skipped' };
  const failed = assertionResults.filter(({ status }) => status === 'failed').length;
  writeFileSync(
    LAB_REPORT,
    JSON.stringify({
      numTotalTests: Math.max(1, rows.length),
      numPassedTests: rows.length - failed,
      numFailedTests: failed,
      testResults: [{ status: failed > 0 ? 'failed' : 'passed', assertionResults: rows.length > 0 ? assertionResults : [none] }],
    }),
  );
}

/** A plan in the engine and in moeprof. */
function rowOf(moeprof, file, path, { context, model, ubatch }, folder) {
  const row = { model, context, ubatch };
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), path, String(context), String(ubatch)], {
    encoding: 'utf8',
    env: { ...process.env, NODE_PATH: folder },
    timeout: 60_000,
  });
  // Caches are printed by kind of layer. Buffers that hold nothing are printed as 0, so that weights are those of the file.
  const sum = (pattern) => [...child.stderr.matchAll(pattern)].reduce((all, [, mib]) => all + Number(mib), 0);
  if (child.status !== 0)
    return { ...row, error: `the engine ended with ${child.status ?? child.signal}: ${child.stderr.trim().slice(-160)}` };
  const build = child.stdout.trim();
  const [host] = moeprof.allocate(file, {
    ...{ engine: 'llama.cpp', version: build, gpus: 0, gpuLayers: 0, context, parallel: 1, outputs: Math.min(ubatch, 2048) },
    ...{ batch: Math.max(2048, ubatch), ubatch, kv: { k: 'f16', v: 'f16' }, flashAttention: true, mla: 3 },
  }).devices;
  const theirs = {
    weights: 1024 * sum(/file size += +([\d.]+) GiB/g),
    kv: sum(/size = +([\d.]+) MiB \( *\d+ cells/g),
    compute: sum(/compute buffer size = +([\d.]+) MiB/g),
  };
  const parts = Object.entries(theirs).map(([part, mib]) => {
    const ours = host[part] / MIB;
    const most = { weights: WEIGHTS_DIGIT / 2, kv: 0.01, compute: COMPUTE_ERROR * mib }[part];
    const isMissed = !(Math.abs(ours - mib) <= most);
    return { part, mib, ours, isMissed };
  });
  const said = Object.fromEntries(parts.map(({ mib, ours, part }) => [part, `${mib.toFixed(1)} / ${ours.toFixed(1)}`]));
  const missed = parts
    .filter(({ isMissed }) => isMissed)
    .map(({ mib, ours, part }) => `${part} ${mib.toFixed(2)} MiB, not ${ours.toFixed(2)}`);
  return { ...row, ...said, build, error: missed.length === 0 ? null : missed.join(', ') };
}

/** Folder of the packages: that of NODE_PATH, or one of our own, filled by npm; null: it cannot fetch them. */
function packages() {
  // Builds for this machine are optional packages of both; npm would fetch those for GPUs with them.
  const [native, caller] = ['@fugood/node-llama', '@koromix/koffi'].map((name) => `${name}-${process.platform}-${process.arch}`);
  const complete = (folder) =>
    ['koffi', caller, '@fugood/llama.node', native].every((name) => existsSync(join(folder, name, 'package.json')));
  const own = join(CACHE, 'short/node_modules');
  const found = [...(process.env.NODE_PATH ?? '').split(':'), own].find((folder) => folder !== '' && complete(folder));
  if (found !== undefined) return found;
  const names = ['koffi@3', `${caller}@3`, '@fugood/llama.node@1.7', `${native}@1.7`];
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=optional'];
  try {
    execFileSync('npm', ['install', '--prefix', dirname(own), ...quiet, ...names], { stdio: 'ignore', timeout: 180_000 });
    return complete(own) ? own : null;
  } catch {
    return null;
  }
}

/** The sparse file of a shape with every matrix at q8_0. */
function sparseFile(shape) {
  const folder = join(CACHE, 'models');
  const path = join(folder, `${shape.model}-all-q8_0.gguf`);
  mkdirSync(folder, { recursive: true });
  const { metadata, tensors } = tableOf(shape);
  writeSparseGguf(
    path,
    metadata,
    tensors.map((one) => ({ ...one, type: one.type === 'f16' && one.shape[0] % 32 === 0 ? 'q8_0' : one.type })),
  );
  return path;
}

/** Plans a file without allocating: the engine prints its buffers, and this its build. */
async function plan(path, context, ubatch) {
  const { Llama } = await fromBuild('record/llama.js');
  const llama = new Llama('cpu');
  llama.call('llama_backend_init');
  const wanted = { no_alloc: true, load_mode: 0, use_mmap: false, use_extra_bufts: false };
  const params = llama.call('llama_model_default_params');
  const known = Object.fromEntries(Object.entries(wanted).filter(([name]) => name in params));
  const model = llama.call('llama_model_load_from_file', path, { ...params, ...known });
  const sizes = { n_ctx: context, n_batch: Math.max(2048, ubatch), n_ubatch: ubatch, flash_attn_type: 1 };
  const made = model && llama.call('llama_init_from_model', model, { ...llama.call('llama_context_default_params'), ...sizes });
  console.log(llama.version);
  process.exit(made ? 0 : 1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await plan(process.argv[2], Number(process.argv[3]), Number(process.argv[4]));

// llama.cpp as a Node module (node-llama-cpp): where it is installed, and its speeds on a file, in a process of its own.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { median, skip } from './bench.mjs';

/**
 * Speeds of llama.cpp on a file.
 * @param task path; way {gpu: false | 'cuda' | 'vulkan', gpuLayers, mmap, threads}; batch: tokens of a pass; prompts: their lengths; decode: tokens
 * after the last one; repeats of each, of which medians count
 * @param before command that runs it, e.g. one that limits its memory
 * @returns prompts [{tokens, ms}], decode in ms a token, `waited`: part of the time for which threads waited for a processor
 */
export function inEngine({ environment, ...task }, before = []) {
  const { output, status } = inChild(task, before, environment);
  if (output === undefined) throw new Error(`llama.cpp on ${task.path} ended with ${status}`);
  return output;
}

/** The name of the GPU that a backend of it computes on; null: it finds none. */
export function gpuName(gpu) {
  return inChild({ way: { gpu, threads: 1 } }).output ?? null;
}

function inChild(task, before = [], environment = {}) {
  const [command, ...args] = [...before, process.execPath, fileURLToPath(import.meta.url), JSON.stringify(task)];
  const child = spawnSync(command, args, {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    // The engine's threads belong to the thread that starts them: one of several would find the processors taken by those of the last one.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1', ...environment },
  });
  const told = child.status === 0 && child.output[3] ? { output: JSON.parse(child.output[3]) } : {};
  return { status: child.status ?? child.signal, ...told };
}

/** Its version; ends the process where it is not installed. */
export function engineVersion() {
  return installed().version;
}

/** Folder of the package: below LLAMA_NODE, or beside this program's. */
function engine() {
  return join(process.env.LLAMA_NODE ?? fileURLToPath(new URL('../../', import.meta.url)), 'node_modules/node-llama-cpp');
}

function installed() {
  try {
    return JSON.parse(readFileSync(join(engine(), 'package.json'), 'utf8'));
  } catch {
    skip('node-llama-cpp is not installed: npm run bench:llama (bench:gpu) installs it for this run');
    process.exit(0);
  }
}

/** The engine of a way, without anything built or fetched. */
async function engineOf({ gpu, threads }) {
  const { getLlama } = await import(pathToFileURL(join(engine(), installed().main)).href);
  return getLlama({ gpu, build: 'never', skipDownload: true, maxThreads: threads, logLevel: 'error', progressLogs: false });
}

async function measure({ batch, decode, path, prompts, repeats, way }) {
  const llama = await engineOf(way);
  const model = await llama.loadModel({ modelPath: path, useMmap: way.mmap, gpuLayers: way.gpuLayers });
  const context = await model.createContext({
    contextSize: 4096,
    batchSize: batch,
    threads: way.threads,
    sequences: 1,
    flashAttention: false,
  });
  // Bytes are tokens of this vocabulary, behind a mark of the beginning and a space.
  const promptOf = (first, tokens) => {
    const text = Array.from({ length: Math.ceil(tokens / 7) }, (_, i) => `${first}${(i * 37) % 89}`).join(' ');
    return model.tokenize(text).slice(0, tokens);
  };
  // The first token comes when the prompt was read.
  const run = async (first, tokens, n) => {
    const sequence = context.getSequence();
    const prompt = promptOf(first, tokens);
    const times = [performance.now()];
    for await (const _ of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true }))
      if (times.push(performance.now()) === n + 2) break;
    sequence.dispose();
    return { tokens: prompt.length, ms: times[1] - times[0], decode: (times[n + 1] - times[1]) / n };
  };
  // A short one touches every expert, and has kernels loaded.
  await run('v', 32, 4);
  const [before, start] = [waitedMs(), performance.now()];
  const seen = [];
  for (let i = 0; i < repeats; i++)
    for (const tokens of prompts) seen.push(await run(String.fromCharCode(119 - i), tokens, tokens === prompts.at(-1) ? decode : 0));
  const waited = (waitedMs() - before) / (way.threads * (performance.now() - start));
  const of = (index, key) => median(seen.filter((_, i) => i % prompts.length === index).map((one) => one[key]));
  const last = prompts.length - 1;
  return { prompts: prompts.map((_, i) => ({ tokens: of(i, 'tokens'), ms: of(i, 'ms') })), decode: of(last, 'decode'), waited };
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const task = JSON.parse(process.argv[2]);
  const answer = task.path === undefined ? (await (await engineOf(task.way)).getGpuDeviceNames()).join(' + ') : await measure(task);
  writeFileSync(3, JSON.stringify(answer));
  process.exit(0);
}

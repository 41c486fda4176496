// What layers, expert products and copies cost on a GPU, by a real engine: node bench/gpu.mjs [cuda | vulkan] [repeats = 9] [--short]. Needs
// node-llama-cpp with that backend; `npm run bench:gpu` installs both below build/ (Linux on x64), and LLAMA_NODE names a folder where it was
// installed. Prints tables in Markdown, with the card and what each figure settles, for docs/accuracy.md and for constants of profiles/runtimes.
//
// Mixture-of-Experts models of random weights run whole on the GPU, with few layers and with more: the difference is what layers cost, without
// what is outside of them. It settles
// - `layer`: time of a layer beside its bytes when decoding, by kind of attention, with and without CUDA graphs;
// - `gpu.experts`, `gpu.tile`: GB/s of expert weights in passes of 1 to 512 tokens, by format;
// - `copy`: the same prompt with weights in host memory, mapped (copies from pageable memory) and not (from pinned memory), in GB/s.
// --short takes two tiny models, to see whether it runs: its figures mean nothing.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ARGUMENTS, machine, markdownTable, SHORT, skip } from './lib/bench.mjs';
import { engineVersion, gpuName, inEngine } from './lib/llama-engine.mjs';
import { bytesPerWeight, writeRandomMoe } from './lib/random-moe-gguf.mjs';

const GPU = ARGUMENTS.find((word) => /^[a-z]+$/.test(word)) ?? 'cuda';
const REPEATS = SHORT ? 1 : Number(ARGUMENTS.find((word) => /^\d+$/.test(word)) ?? 9);
/** Tokens of a pass: columns of the products. */
const COLUMNS = SHORT ? [1, 8] : [1, 2, 4, 8, 9, 16, 32, 64, 128, 256, 512];
const DECODE = SHORT ? 4 : 64;
/** Layers of a model and of its larger twin. */
const LAYERS = SHORT ? [1, 2] : [2, 10];

const latent = { queryRank: 768, rank: 512, rope: 64, nope: 128, value: 128 };
const narrow = SHORT
  ? { hidden: 512, experts: 8, topK: 2, width: 256, heads: 4, kvHeads: 2, headSize: 128 }
  : { hidden: 2048, experts: 128, topK: 8, width: 768, heads: 32, kvHeads: 4, headSize: 128 };
const MODELS = {
  'qwen3moe q4_k': { ...narrow, architecture: 'qwen3moe', format: 'q4_k' },
  'deepseek2 q4_k': { ...narrow, architecture: 'deepseek2', format: 'q4_k', latent },
  'qwen3moe q4_0': { ...narrow, architecture: 'qwen3moe', format: 'q4_0' },
  'qwen3moe q8_0': { ...narrow, architecture: 'qwen3moe', format: 'q8_0' },
  'qwen3moe f16': { ...narrow, architecture: 'qwen3moe', format: 'f16' },
  'gpt-oss mxfp4': {
    ...narrow,
    architecture: 'gpt-oss',
    format: 'mxfp4',
    ...(SHORT ? {} : { hidden: 2880, width: 2880, experts: 32, topK: 4 }),
  },
  'mixtral q4_k': {
    ...narrow,
    architecture: 'llama',
    format: 'q4_k',
    ...(SHORT ? {} : { hidden: 4096, width: 14336, experts: 8, topK: 2 }),
  },
};
/** With CUDA graphs and without; other backends have none. */
const GRAPHS = GPU === 'cuda' ? { yes: {}, no: { GGML_CUDA_DISABLE_GRAPHS: '1' } } : { '': {} };

const models = Object.entries(MODELS).slice(0, SHORT ? 2 : undefined);
const folder = mkdtempSync(join(tmpdir(), 'moeprof-gpu-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

const version = engineVersion();
const name = gpuName(GPU);
if (name === null) {
  skip(`node-llama-cpp finds no GPU by ${GPU}`);
  process.exit(0);
}
console.log(`${name} by ${GPU}, node-llama-cpp ${version}; ${machine()}; medians of ${REPEATS}`);
const layerRows = [];
const columnRows = [];
const copyRows = [];
for (const [model, shape] of models) {
  const files = LAYERS.map((layers, i) => {
    const path = join(folder, `${i}.gguf`);
    return { layers, path, bytes: writeRandomMoe(path, { ...shape, layers }) };
  });
  measureLayers(model, shape, files);
  measureCopies(model, files);
}
print('Layers', layerRows);
print('Products of experts: GB/s of the weights that a pass touches, attention with them', columnRows);
print('Copies of whole layers for a prompt', copyRows);

/** A layer's time when it decodes and in passes of each number of tokens, by each kind of graph. */
function measureLayers(model, shape, files) {
  for (const [graphs, environment] of Object.entries(GRAPHS)) {
    const [few, many] = files.map((file) => run(file, { environment, gpuLayers: file.layers + 1, mmap: true }));
    const perLayer = (of) => (of(many) - of(few)) / (LAYERS[1] - LAYERS[0]);
    const touched = (tokens) => bytesTouched(shape, files, tokens);
    const decode = perLayer(({ decode }) => decode);
    layerRows.push({ model, graphs, 'us a layer': (1000 * decode).toFixed(1), 'GB/s': rate(touched(1), decode) });
    if (graphs === 'no') continue;
    const rates = COLUMNS.map((tokens, i) => [
      `n=${tokens}`,
      rate(
        touched(tokens),
        perLayer(({ prompts }) => prompts[i].ms),
      ),
    ]);
    columnRows.push({ model, ...Object.fromEntries(rates) });
  }
}

/** The same prompt where the weights lie in host memory: the engine copies them for it. */
function measureCopies(model, files) {
  const bytes = files[1].bytes - files[0].bytes;
  const ms = (mmap) => {
    const [few, many] = files.map((file) => run(file, { gpuLayers: 0, mmap }).prompts.at(-1).ms);
    return many - few;
  };
  copyRows.push({ model, 'GB of layers': (bytes / 1e9).toFixed(2), mapped: rate(bytes, ms(true)), pinned: rate(bytes, ms(false)) });
}

function run({ path }, { environment, gpuLayers, mmap }) {
  const way = { gpu: GPU, gpuLayers, mmap, threads: 4 };
  return inEngine({ path, way, batch: COLUMNS.at(-1), prompts: COLUMNS, decode: DECODE, repeats: REPEATS, environment });
}

/** Bytes of a layer that a pass reads: experts that at least one token chose, where routers choose evenly, and everything else. */
function bytesTouched({ experts, format, hidden, topK, width }, [few, many], tokens) {
  const all = experts * 3 * hidden * width * bytesPerWeight(format);
  const rest = (many.bytes - few.bytes) / (many.layers - few.layers) - all;
  return rest + all * (1 - (1 - topK / experts) ** tokens);
}

/** GB/s, or a dash where the larger model was not slower. */
function rate(bytes, ms) {
  return ms > 0 ? (bytes / ms / 1e6).toFixed(1) : '-';
}

/** A table in Markdown. */
function print(title, rows) {
  console.log(`\n**${title}**\n\n${markdownTable(rows).join('\n')}`);
}

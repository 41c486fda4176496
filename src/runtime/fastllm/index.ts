// Facts of github.com/ztxz16/fastllm at d3aea32, version 0.1.7.1, 2026-08-06: tools/fastllm_pytools/util.py (flags),
// src/model.cpp (layers of experts), docs/nightly.md and docs/mixforward.md. Its disk device (--moe_device disk) and
// its drafts (--mtp, for Qwen3.5 alone) are absent: no published speed. Families: its src/models, without OLMoE,
// Mixtral and Nemotron.
import { definedFields } from '../../base/objects.js';
import { decoderLayerOf, decoderLayers } from '../../model/door.js';
import { lineDialect } from '../flags/dialect.js';
import { grammarOf, least, USUAL } from '../flags/flag.js';
import { SERVER } from '../kind/advised.js';
import { runtimeFrom } from '../kind/runtime.js';
import { servedMemory } from '../kind/served.js';
import { linesOf, printedSpeed, wholeOf } from '../logs/lines.js';
import type { TimingFormat } from '../logs/timing.js';
import { ALL_ON_GPU } from '../setting/setting.js';

const GRAMMAR = grammarOf(
  {
    program: 'ftllm server',
    operands: 1,
    version: '0.1.7.1 (d3aea32, 2026-08-06)',
    source: 'github.com/ztxz16/fastllm, tools/fastllm_pytools/util.py',
  },
  {
    '--device': ['text', 'what computes all but experts: cuda, multicuda:0,1 (GPUs that share every tensor), numa or cpu'],
    '--moe_device': ['text', 'what computes experts, with their weights in its memory: cuda, numa (all sockets), cpu or disk'],
    '--moe_device_layers': [least(0), 'blocks of the model, from the last on, whose experts are on --moe_device'],
    '--moe_experts': [least(1), 'experts of each token; fewer than the model has are faster, and less accurate'],
    '--max_context_length': USUAL.context,
    '--tokens': USUAL.cached,
    '--max_batch': USUAL.users,
    '--chunked_prefill_size': USUAL.pass,
    '--gpu_mem_ratio': ['share', 'share of GPU memory that is used; 0.9 unless said'],
    '--kv_cache_dtype': [['auto', 'float16', 'bfloat16', 'fp8_e4m3'], 'storage of keys and values'],
    '--dtype': ['text', 'storage of weights that the files hold as floats, e.g. int4g'],
    '--moe_dtype': ['text', 'storage of experts, as --dtype'],
    '--threads, -t': [least(1), 'threads that compute what is not on the GPU; four cores of each socket stay free unless said'],
    '--enable_amx, --amx': [['true', 'false'], 'matrix units of the CPU; false unless said'],
  },
);

const dialect = lineDialect(GRAMMAR, (input) => {
  const { gpus, setting, spec } = input;
  const { cpuMoe } = setting;
  const device = gpus === 0 ? 'numa' : gpus === 1 ? 'cuda' : `multicuda:${Array.from({ length: gpus }, (_, i) => i).join(',')}`;
  const first = spec.layers.length - cpuMoe;
  const apart = cpuMoe !== 0 && first !== 0 && decoderLayers(spec) - decoderLayerOf(spec, first);
  const fewer = 'fewer do not fit on the GPU beside this context; the experts of all blocks before are on it';
  return [
    ['--device', device],
    ['--moe_device', cpuMoe === 0 ? device : 'numa'],
    ['--moe_device_layers', apart, fewer],
    ['--max_context_length', setting.context],
    ['--tokens', setting.context * setting.users],
    ['--max_batch', setting.users],
    ['--chunked_prefill_size', setting.ubatch],
  ];
});

const TITLE = /^FastLLM Benchmark Result$/m;

/** Figures of `ftllm bench`, in tokens/s; decoding is that of all requests after the first token. */
const bench: TimingFormat = {
  recognizes: (text) => TITLE.test(text),
  read: (text, path) => {
    const lines = linesOf(text, path);
    const given = (label: string): string | undefined => lines.find(({ text: line }) => line.slice(2, 33).trim() === label)?.text.slice(33);
    const speedOf = (label: string): number | undefined => {
      const value = /^(.*) tokens\/s$/.exec(given(label) ?? '')?.[1];
      return value === undefined || Number(value) === 0 ? undefined : printedSpeed(value, place, label);
    };
    const { place } = lines.find(({ text: line }) => TITLE.test(line))!;
    const [users, promptTokens, generatedTokens] = ['Batch', 'Input tokens', 'Target output tokens'].map((label) => wholeOf(given(label)));
    const [model, decode, prefill] = [given('Model'), speedOf('Batch decode after TTFT'), speedOf('Prefill')];
    return [{ place, ...definedFields({ model, users, promptTokens, depth: promptTokens, generatedTokens, decode, prefill }) }];
  },
};

/** Default share of a GPU left free (--gpu_mem_ratio). Activations are assumed to fit; no published figure. */
const LEAVES = 0.1;

/** fastllm: the CPU computes the experts of the last blocks, all of them by default; GPUs share tensors. */
export const fastllmRuntime = runtimeFrom({
  name: 'fastllm',
  programs: { ftllm: 'fastllm' },
  vendors: ['nvidia', 'amd', 'none'],
  logs: [{ format: bench, by: 'ftllm bench' }],
  places: 'all in host memory',
  advised: {
    ...SERVER,
    profile: 'fastllm',
    dialect,
    ladder: ({ layers }) => Array.from({ length: layers.length + 1 }, (_, cpuMoe) => ({ ...ALL_ON_GPU, cpuMoe })),
    // The last layers are the ones in host memory. The embedding table, assumed on the GPU, is the CPU's by default.
    memory: (model, ...loaded) => servedMemory(LEAVES, { ...model, layers: model.layers.toReversed() }, ...loaded),
  },
});

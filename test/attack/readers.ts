// Every reader of files that users give, with files that it reads: what the fuzz test damages.
import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../../src/base/errors.js';
import { readText } from '../../src/base/input-file.js';
import type { Random } from '../../src/base/random.js';
import { locateYaml } from '../../src/base/yaml.js';
import { loadModel, loadRouting } from '../../src/model/load/load.js';
import { qualityOf } from '../../src/model/quality.js';
import { openProfile, PROFILE_FORMATS } from '../../src/place/formats/index.js';
import { readPrompts } from '../../src/record/prompts.js';
import { asking, withNulls } from '../../src/record/proxy-fields.js';
import { budgetFileSchema, budgetsOf } from '../../src/result/budget.js';
import { readResult } from '../../src/result/read.js';
import { loadHardware } from '../../src/runtime/machine.js';
import { loadArrivals } from '../../src/schedule/arrivals/load.js';
import { loadRun } from '../../src/system/load-run.js';
import { loadSystem } from '../../src/system/system.js';
import { readRemap } from '../../src/trace/convert/index.js';
import { traceFormats } from '../../src/trace/formats/index.js';
import { openPopularity, openTrace } from '../../src/trace/open/open.js';
import { allocateChunk } from '../../src/trace/trace.js';
import { ggufHeader, type TestTensor } from '../model/gguf-file.js';
import { placedOf } from '../place/placed.js';
import { sampleResult } from '../result/sample.js';
import { safetensorsBytes, uniformModel } from '../trace/builders.js';
import {
  captureBytes,
  countFixtures,
  EXPERTS,
  eventBytes,
  fixtures,
  flat,
  LAYERS,
  passes,
  TOKENS,
  TOP_K,
  tableBytes,
} from '../trace/formats/fixtures.js';
import { onnxFiles, runOnnx } from './predictors.js';
import { reported } from './reported.js';
import { storedReaders } from './stored.js';
import type { Reader } from './tries.js';
import { twice } from './twice.js';
import { filesBelow, writtenReaders } from './written.js';

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const model = uniformModel(LAYERS, EXPERTS, TOP_K);
const mixtral = loadModel('mixtral-8x7b');
const placed = placedOf(
  mixtral,
  mixtral.layers.map(() => 2),
  null,
);

async function readTrace(path: string, random: Random): Promise<void> {
  const forced = random.below(8) === 0 ? { format: traceFormats[random.below(traceFormats.length)]!.name } : {};
  const options = { ...(random.below(2) === 0 ? { model } : {}), ...forced };
  try {
    const trace = await openTrace(path, options);
    try {
      const chunk = allocateChunk(trace, 64);
      for (let start = 0; start < trace.tokens; start += 64) trace.read(start, Math.min(64, trace.tokens - start), chunk);
      trace.sha256();
    } finally {
      trace.close();
    }
  } catch (error) {
    if (!(error instanceof UserError) || !error.message.includes('not when')) throw error;
    await openPopularity(path, options);
  }
}

const GGUF_METADATA = {
  'general.architecture': 'qwen3moe',
  'general.alignment': 32,
  'qwen3moe.block_count': 1,
  'qwen3moe.embedding_length': 256,
  'qwen3moe.expert_count': 4,
  'qwen3moe.expert_used_count': 2,
  'qwen3moe.attention.head_count': 4,
  'qwen3moe.attention.head_count_kv': 2,
  'tokenizer.ggml.tokens': ['a', 'bc', ''],
  'tokenizer.ggml.token_type': [1, 2, 3],
};
const GGUF_TENSORS: readonly TestTensor[] = [
  { name: 'token_embd.weight', type: 'q4_k', shape: [256, 100] },
  { name: 'blk.0.attn_q.weight', type: 'q4_k', shape: [256, 128] },
  { name: 'blk.0.ffn_gate_inp.weight', type: 'f32', shape: [256, 4] },
  { name: 'blk.0.ffn_gate_exps.weight', type: 'q4_k', shape: [256, 256, 4] },
  { name: 'blk.0.ffn_up_exps.weight', type: 'q4_k', shape: [256, 256, 4] },
  { name: 'blk.0.ffn_down_exps.weight', type: 'q6_k', shape: [256, 256, 4] },
];

const CONFIG = {
  architectures: ['OlmoeForCausalLM'],
  model_type: 'olmoe',
  hidden_size: 8,
  intermediate_size: 4,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  num_experts: 2,
  num_experts_per_tok: 1,
  vocab_size: 16,
  tie_word_embeddings: false,
};

/** A checkpoint of {@link CONFIG}: its tensors are a byte each. */
const SAFETENSORS = safetensorsBytes(
  Object.fromEntries(
    [0, 1].flatMap((layer) =>
      ['self_attn.q_proj', 'mlp.gate', 'mlp.experts.0.up_proj', 'mlp.experts.1.up_proj'].map((name) => [
        `model.layers.${layer}.${name}.weight`,
        { dtype: 'U8', shape: [1], data: Uint8Array.of(layer) },
      ]),
    ),
  ),
);

/** Reads a file as a part of a checkpoint in a folder of its own, beside a sound config.json. */
function loadBeside(path: string, name: string): unknown {
  const folder = join(dirname(path), `checkpoint-${name}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(CONFIG));
  if (name !== 'model.safetensors') writeFileSync(join(folder, 'part.safetensors'), SAFETENSORS);
  copyFileSync(path, join(folder, name));
  return loadModel(folder);
}

/** All of them, by name. */
export const readers: Readonly<Record<string, Reader>> = {
  ...storedReaders(CONFIG),
  ...writtenReaders,
  'trace, read twice': twice,
  'body for a proxy': {
    ending: '',
    kinds: [],
    share: 0.2,
    files: { completion: json({ prompt: 'a', n: 1 }), chat: json({ messages: [{ role: 'user', content: '{"a": [1]}' }], stream: true }) },
    read(path) {
      const asked = asking('/v1/completions', readFileSync(path, 'utf8'));
      if (asked === null) throw new UserError(`${path}: passes as it is`);
      const sent = JSON.parse(asked.body) as Record<string, unknown>;
      if (sent.return_routed_experts !== true || sent.return_token_ids !== true) throw new Error(`asks for nothing: ${asked.body}`);
      withNulls(asked.body, asked.hidden);
    },
  },
  prompts: {
    ending: '.jsonl',
    kinds: ['prompts'],
    files: {
      prompts: Buffer.from('{"prompt": "a b"}\n"c"\n'),
      chats: Buffer.from('{"messages": [{"role": "user", "content": "d"}]}\n[{"role": "user", "content": "e"}]\n'),
    },
    read: readPrompts,
  },
  'placement profile': {
    ending: '',
    kinds: [],
    files: Object.fromEntries(
      PROFILE_FORMATS.filter(({ holds }) => holds === 'demand').map((format) => {
        const written = format.write(placed, `a${format.extensions[0]}`);
        return [format.name, Buffer.from(written as string)];
      }),
    ),
    read(path) {
      if (openProfile(path, mixtral) === null) throw new UserError(`${path}: is no profile`);
    },
  },
  trace: {
    ending: '',
    kinds: ['trace'],
    files: {
      ...Object.fromEntries(Object.entries({ ...fixtures, ...countFixtures }).map(([name, { bytes }]) => [name, bytes])),
      safetensors: safetensorsBytes(
        { experts: { dtype: 'U8', shape: [TOKENS, LAYERS, TOP_K], data: Uint8Array.from(flat('tlk')) } },
        { format: 'moeprof.trace/1', num_experts: String(EXPERTS) },
      ),
      jsonl: Buffer.from(
        '{"format":"moeprof.trace/1","num_experts":"12"}\n{"request":0,"position":0,"phase":"decode","token":1,"experts":[[3,4],[7,9]]}\n',
      ),
      'moe-cache-eval unions': eventBytes(passes),
      'parquet of lists, second version of pages': tableBytes('UNCOMPRESSED', { v2: true, dictionary: true }),
      'vllm-expert-capture, not packed': captureBytes('UNCOMPRESSED', 100),
    },
    share: 5,
    read: readTrace,
  },
  model: {
    ending: '.yaml',
    kinds: ['profile', 'model'],
    files: filesBelow('profiles/models', '.yaml'),
    read: (path) => [loadModel(path), loadRouting(path)],
  },
  'config.json': {
    ending: '.json',
    kinds: ['config'],
    files: {
      olmoe: json({
        architectures: ['OlmoeForCausalLM'],
        model_type: 'olmoe',
        hidden_size: 2048,
        intermediate_size: 1024,
        num_hidden_layers: 16,
        num_attention_heads: 16,
        num_key_value_heads: 16,
        num_experts: 64,
        num_experts_per_tok: 8,
        vocab_size: 50304,
        tie_word_embeddings: false,
        torch_dtype: 'bfloat16',
      }),
      index: json({
        metadata: { total_size: 1 },
        weight_map: { 'model.layers.0.mlp.experts.0.up_proj.weight': 'model-00001-of-00002.safetensors' },
      }),
    },
    read: (path) => loadModel(path),
  },
  gguf: {
    ending: '.gguf',
    kinds: ['model'],
    files: { moe: ggufHeader(GGUF_METADATA, GGUF_TENSORS) },
    read: (path, random) => {
      // The data are a hole behind the header.
      if (random.below(4) > 0) truncateSync(path, 2 ** 22);
      return loadModel(path);
    },
  },
  safetensors: {
    ending: '.safetensors',
    kinds: ['model'],
    files: { model: SAFETENSORS },
    read: (path) => loadBeside(path, 'model.safetensors'),
  },
  'index of safetensors': {
    ending: '.json',
    kinds: ['index'],
    files: { index: json({ weight_map: { 'model.layers.0.mlp.gate.weight': 'part.safetensors', 'lm_head.weight': 'part.safetensors' } }) },
    read: (path) => loadBeside(path, 'model.safetensors.index.json'),
  },
  predictor: { ending: '.onnx', kinds: ['predictor'], share: 0.05, files: onnxFiles(), read: runOnnx },
  machine: { ending: '.yaml', kinds: ['profile'], files: filesBelow('profiles/hardware', '.yaml'), read: (path) => loadHardware(path) },
  system: { ending: '.yaml', kinds: ['profile'], files: filesBelow('profiles/systems', '.yaml'), read: (path) => loadSystem(path) },
  run: { ending: '.yaml', kinds: ['profile'], files: filesBelow('profiles/runs', '.yaml'), read: (path) => loadRun(path) },
  budgets: {
    ending: '.yaml',
    kinds: ['profile'],
    files: {
      budgets: Buffer.from(
        'budgets:\n  - metric: latency.tpot.*\n    max_regression: 3% and 0.2ms\n  - metric: cache.hit_rate\n    max_regression: 0.5pp\n    level: warn\n',
      ),
    },
    read: (path) => {
      const file = locateYaml(readText(path), path, budgetFileSchema);
      return budgetsOf(file.value.budgets, (index) => file.place('budgets', index));
    },
  },
  result: {
    ending: '.json',
    kinds: ['result'],
    files: { result: json(sampleResult()), small: json(sampleResult({ metrics: { 'cache.evictions': null } })) },
    read: (path) => readResult(path),
  },
  'reports of a result': { ending: '.json', kinds: ['result'], share: 0.5, files: { result: json(sampleResult()) }, read: reported },
  'table of scores': {
    ending: '.txt',
    kinds: ['profile'],
    files: {
      bundled: Buffer.from('name new old month\na 50 90 2026-01\nb - 70.5 2025?\nc - - -\n'),
      plain: Buffer.from('# mine\na 3\nb,-1.5\n'),
    },
    read: (path) => qualityOf(path).ordered(['a', 'b', 'c']),
  },
  workload: {
    ending: '.csv',
    kinds: ['workload'],
    files: {
      generic: Buffer.from('arrival,prompt,output,class\n0,12,3,chat\n250ms,7,9,batch\n1.5,1,1,chat\n'),
      azure: Buffer.from(
        'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:04.0319600,3180,8\n',
      ),
      mooncake: Buffer.from(
        '{"timestamp": 0, "input_length": 5, "output_length": 5, "hash_ids": [1]}\n{"timestamp": 9, "input_length": 6, "output_length": 7, "hash_ids": []}\n',
      ),
      vidur: Buffer.from('arrived_at,num_prefill_tokens,num_decode_tokens\n0.5,10,20\n0.75,4,5\n'),
      llmservingsim: Buffer.from('input_toks,output_toks,arrival_time_ns\n10,20,1000\n4,5,200000\n'),
    },
    read: (path) => loadArrivals({ arrivals: { text: path, path }, prompt: 1, output: 1 }, '/', 1),
  },
  remap: {
    ending: '.json',
    kinds: ['mapping'],
    files: {
      one: json([3, 0, 1, 2]),
      many: json([
        [1, 0, -1, 2],
        [0, 1, 2, 3],
      ]),
    },
    read: (path, random) => readRemap(path, random.below(2) === 0 ? [4] : [4, 4]),
  },
};

import { lineDialect } from '../flags/dialect.js';
import { grammarOf, least, USUAL } from '../flags/flag.js';
import { servingTimer } from '../flags/timer.js';
import { SERVER } from '../kind/advised.js';
import { evidenceFor, type OwnDrafts, WITH_DRAFTS } from '../kind/own-drafts.js';
import { runtimeFrom } from '../kind/runtime.js';
import { servedMemory } from '../kind/served.js';
import { serving } from '../logs/serving.js';

/** Default share of a GPU left free. */
const LEAVES = 0.1;

const GRAMMAR = grammarOf(
  { program: 'vllm serve', operands: 1, version: '0.11', source: 'github.com/vllm-project/vllm, vllm/engine/arg_utils.py' },
  {
    '--tensor-parallel-size, -tp': [least(1), 'GPUs that share every tensor'],
    '--enable-expert-parallel': [null, 'GPUs share experts rather than tensors of experts'],
    '--max-model-len': USUAL.context,
    '--max-num-seqs': USUAL.users,
    '--max-num-batched-tokens': USUAL.pass,
    '--gpu-memory-utilization': ['share', 'share of GPU memory that is used'],
    '--kv-cache-dtype': [['auto', 'fp8', 'fp8_e4m3', 'fp8_e5m2', 'bfloat16'], 'storage of keys and values'],
    '--speculative-config': ['json', "what drafts tokens; mtp: the model's own further layer"],
    // Of its pull request 37190.
    '--moe-expert-cache-size': [least(0), 'experts of each layer in a cache on the GPU; host memory holds all'],
    '--quantization, -q': ['text', 'how weights are stored, where their files do not say it'],
  },
);

const { glm4, glm5, ling3, mimo, nemotron, qwen35, qwenNext, step } = WITH_DRAFTS;

/** Method of the drafts of its recipes, by architecture. */
const METHODS = {
  mtp: ['deepseek_v3', 'deepseek_v32', 'deepseek_v4', 'inkling', ...glm4, ...glm5, ...ling3, ...mimo, ...nemotron, ...qwen35, ...step],
  qwen3_next_mtp: qwenNext,
  ernie_mtp: ['ernie4_5_moe'],
} as const;

const DRAFTS: OwnDrafts = {
  read: 'its recipes to November 2026',
  has: METHODS,
  lacks: { 'its recipe drafts with EAGLE3, by a model of its own': ['minimax_m2', 'minimax_m3', 'minimax_m3_vl'] },
};

const dialect = lineDialect(GRAMMAR, (input) => {
  const { context, draft, drafter, slots, ubatch, users } = input.setting;
  const method = drafter === 'mtp' ? (evidenceFor(METHODS, input.spec) ?? drafter) : drafter;
  return [
    input.gpus > 1 && ['--tensor-parallel-size', input.gpus],
    ['--max-model-len', context],
    ['--max-num-seqs', users],
    ['--max-num-batched-tokens', ubatch],
    ['--gpu-memory-utilization', (1 - LEAVES).toFixed(2)],
    slots !== null && ['--moe-expert-cache-size', slots],
    draft > 0 && ['--speculative-config', JSON.stringify({ method, num_speculative_tokens: draft })],
  ];
});

/** vLLM: a server with the whole model on GPUs that share tensors. */
export const vllmRuntime = runtimeFrom({
  name: 'vllm',
  vendors: ['nvidia', 'amd', 'intel', 'none'],
  logs: [{ format: serving, by: 'vllm bench serve' }],
  advised: {
    ...SERVER,
    profile: 'vllm',
    opens: 'safetensors',
    dialect,
    timer: servingTimer(['vllm', 'bench', 'serve']),
    ownDrafts: DRAFTS,
    looksUp: true,
    caches: [
      {
        name: 'LFRU cache',
        system: 'vllm-expert-cache',
        misses: 'link',
        keeps: true,
        read: 'pull request 37190, open, 2026-03-16 to 2026-07-31',
        measured: {},
      },
    ],
    memory: (...served) => servedMemory(LEAVES, ...served),
  },
});

// ExLlamaV3 under TabbyAPI: EXL3 weights on GPUs that share layers; experts of the first layers that have any stay in host memory.
import { type CommandInput, folderOf, lineDialect } from '../flags/dialect.js';
import { choice, count, type FlagUse, type Grammar, TEXT } from '../flags/flag.js';
import { SERVER } from '../kind/advised.js';
import type { KnownRuntime } from '../kind/runtime.js';
import { servedMemory } from '../kind/served.js';
import { ALL_ON_GPU } from '../setting/setting.js';
import { perf } from './perf.js';

const TRUTH = choice('True', 'False');

/** Flags of the server, each a field of its config.yml; exllamav3/model_init.py has the same of its own examples (-mcl, -cs, -cq, -gs, -tp). */
const GRAMMAR: Grammar = {
  program: 'python main.py',
  version: '2026-08-13 (e632af4), on ExLlamaV3 1.4.1 of 2026-08-08',
  source: 'github.com/theroyallab/tabbyAPI, common/config_models.py',
  flags: [
    { names: ['--model-dir'], takes: TEXT, does: 'folder that holds the models; models unless said' },
    { names: ['--model-name'], takes: TEXT, does: 'folder of the model in there' },
    { names: ['--max-seq-len'], takes: count(1), does: 'tokens of context of a conversation; 4096 unless said' },
    { names: ['--cache-size'], takes: count(256), does: 'tokens of the KV cache, of all conversations together; a multiple of 256' },
    { names: ['--cache-mode'], takes: TEXT, does: 'storage of keys and values: FP16, or bits of each, 2 to 8' },
    { names: ['--chunk-size'], takes: count(1), does: 'most prompt tokens of one pass; 2048 unless said' },
    { names: ['--max-batch-size'], takes: count(1), does: 'conversations at a time; 32 unless said, 4 of recurrent models' },
    { names: ['--cpu-moe-offload-layers'], takes: count(), does: 'layers, of those with experts, whose experts stay in host memory' },
    { names: ['--gpu-split'], takes: { kind: 'words' }, does: 'GB that are used of each GPU; divided by free memory unless said' },
    { names: ['--autosplit-reserve'], takes: { kind: 'words' }, does: 'MB of each GPU that are left free; 96 of the first unless said' },
    { names: ['--tensor-parallel'], takes: TRUTH, does: 'GPUs share every tensor; then no expert may stay in host memory' },
    { names: ['--draft-mode'], takes: choice('model', 'disabled', 'mtp', 'ngram'), does: 'what drafts tokens' },
    { names: ['--draft-num-tokens'], takes: count(1), does: 'tokens that are drafted for a pass' },
  ],
};

/** The cache is a multiple of this (CHUNK of a page of the KV cache). */
const PAGE = 256;

/** Bits of keys and values: groups of 32 with a 16-bit scale, as large as the formats of these names (exllamav3/cache/quant.py). */
const CACHE_BITS = { f16: 'FP16', q8_0: '8,8', q4_0: '4,4' } as const;

const dialect = lineDialect(GRAMMAR, (input: CommandInput) => {
  const { setting } = input;
  const [, folder, name] = /^(?:(.*)\/)?([^/]+)\/?$/.exec(folderOf(input))!;
  const uses: FlagUse[] = [
    ...(folder === undefined || input.hub !== null ? [] : ([['--model-dir', folder]] as const)),
    ['--model-name', name!],
    ['--max-seq-len', setting.context],
    ['--cache-size', PAGE * Math.ceil((setting.context * setting.users) / PAGE)],
    ['--cache-mode', CACHE_BITS[setting.kv]],
    ['--chunk-size', setting.ubatch],
    ['--max-batch-size', setting.users],
    ...(setting.cpuMoe === 0 ? [] : ([['--cpu-moe-offload-layers', setting.cpuMoe]] as const)),
  ];
  const why = {
    '--model-name': input.hub === null ? 'a folder of the model in EXL3' : `fetch it first: python main.py download ${folderOf(input)}`,
    '--cpu-moe-offload-layers': 'fewer layers do not fit on the GPU; layers without experts do not count',
  };
  return { uses, why };
});

/** Share of a GPU that is taken to go to activations: nothing published says it. */
const LEAVES = 0.1;

/** ExLlamaV3. */
export const exllamav3Runtime: KnownRuntime = {
  name: 'exllamav3',
  logs: [{ format: perf, by: 'eval/perf.py of ExLlamaV3' }],
  places: 'by flags',
  countsExpertLayers: true,
  advised: {
    ...SERVER,
    profile: 'exllamav3',
    dialect,
    ladder: ({ layers }) => Array.from({ length: layers.length + 1 }, (_, cpuMoe) => ({ ...ALL_ON_GPU, cpuMoe })),
    // Its guide calls 512 to 4096 ideal.
    ubatches: [512, 1024, 2048, 4096],
    kv: ['f16', 'q8_0', 'q4_0'],
    // EXL3 has any number of bits on average, and 6 for the head unless asked (doc/convert.md).
    quantizations: { bf16: 16, 'int8:bits=6': 6, 'int4:bits=5': 5, 'int4:bits=4': 4, 'int3:bits=3': 3, 'int2:bits=2.5': 2.5 },
    // Its kernels are at their best with 4 bits (README.md).
    usualFile: 'int4:bits=4',
    memory: (...served) => servedMemory(LEAVES, ...served),
  },
};

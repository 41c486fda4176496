import { definedFields } from '../../base/objects.js';
import { folderOf, lineDialect } from '../flags/dialect.js';
import { grammarOf, least } from '../flags/flag.js';
import { SERVER } from '../kind/advised.js';
import { runtimeFrom } from '../kind/runtime.js';
import { servedMemory } from '../kind/served.js';
import { linesOf, printedSpeed, wholeOf } from '../logs/lines.js';
import type { PrintedTiming, TimingFormat } from '../logs/timing.js';
import { ALL_ON_GPU } from '../setting/setting.js';

const PREFILL = /^\s*Length\s+(\d+):\s+(\S+) tokens\/s/;
/** Decode line. Lines of several sequences (S=4) are skipped: their sum is undocumented. */
const DECODE = /^\s*Context\s+(\d+):\s+(?:S=1\s+)?(\d\S*) tokens\/s/;

/** Characters read of a command line. Ours. */
const COMMAND = 4096;

const perf: TimingFormat = {
  recognizes: (text) => linesOf(text, '').some(({ text: line }) => PREFILL.test(line) || DECODE.test(line)),
  read: (text, path) => {
    const lineOf = (whole: string): string | undefined => whole.split('\n').find((line) => line.includes('perf.py'));
    const command = lineOf(text.replaceAll('\\\n', ' ')) ?? '';
    const words = command
      .slice(command.indexOf('perf.py'))
      .slice(0, COMMAND)
      .split(/[\s=]+/);
    const after = (...flags: readonly string[]): string | undefined => words.find((_, i) => flags.includes(words[i - 1] ?? ''));
    const folder = after('-m', '--model_dir')?.replace(/\/$/, '').split('/').at(-1);
    const settings = definedFields({
      model: folder,
      ubatch: wholeOf(/-- Chunk size: (\d+)/.exec(text)?.[1]),
      cpuMoe: wholeOf(after('-mcl', '--moe_cpu_offload')),
      command: lineOf(text)?.trim().slice(0, 1000),
      users: 1,
    });
    return linesOf(text, path).flatMap(({ place, text: line }): PrintedTiming[] => {
      const [, length, prompt] = PREFILL.exec(line) ?? [];
      if (prompt !== undefined)
        return [{ ...settings, place, prefill: printedSpeed(prompt, place, 'Length'), promptTokens: Number(length) }];
      const [, depth, decode] = DECODE.exec(line) ?? [];
      return decode === undefined ? [] : [{ ...settings, place, decode: printedSpeed(decode, place, 'Context'), depth: Number(depth) }];
    });
  },
};

/** Cache size step, tokens (CHUNK of a KV-cache page). */
const PAGE = 256;

/**
 * Bits of keys and values: groups of 32 with a 16-bit scale, as large as the named formats (exllamav3/cache/quant.py).
 */
const CACHE_BITS = { f16: 'FP16', q8_0: '8,8', q4_0: '4,4' } as const;

// Fields of TabbyAPI's config.yml; exllamav3/model_init.py has the same of its examples (-mcl, -cs, -cq, -gs, -tp).
const GRAMMAR = grammarOf(
  {
    program: 'python main.py',
    version: '2026-08-13 (e632af4), on ExLlamaV3 1.4.1 of 2026-08-08',
    source: 'github.com/theroyallab/tabbyAPI, common/config_models.py',
  },
  {
    '--model-dir': ['text', 'folder that holds the models; models unless said'],
    '--model-name': ['text', 'folder of the model in there'],
    '--max-seq-len': [least(1), 'tokens of context of a conversation; 4096 unless said'],
    '--cache-size': [least(256), 'tokens of the KV cache, of all conversations together; a multiple of 256'],
    '--cache-mode': ['text', 'storage of keys and values: FP16, or bits of each, 2 to 8'],
    '--chunk-size': [least(1), 'most prompt tokens of one pass; 2048 unless said'],
    '--max-batch-size': [least(1), 'conversations at a time; 32 unless said, 4 of recurrent models'],
    '--cpu-moe-offload-layers': [least(0), 'layers, of those with experts, whose experts stay in host memory'],
    '--gpu-split': ['words', 'GB that are used of each GPU; divided by free memory unless said'],
    '--autosplit-reserve': ['words', 'MB of each GPU that are left free; 96 of the first unless said'],
    '--tensor-parallel': [['True', 'False'], 'GPUs share every tensor; then no expert may stay in host memory'],
    '--draft-mode': [['model', 'disabled', 'mtp', 'ngram'], 'what drafts tokens'],
    '--draft-num-tokens': [least(1), 'tokens that are drafted for a pass'],
    '--cpu-moe-split-experts': [least(0), 'experts of each layer in host memory, which the CPU computes (-mcs)'],
  },
);

const dialect = lineDialect(GRAMMAR, (input) => {
  const { setting } = input;
  const [, folder, name] = /^(?:(.*)\/)?([^/]+)\/?$/.exec(folderOf(input))!;
  const { cpuMoe, slots } = setting;
  const which = input.hub === null ? 'a folder of the model in EXL3' : `fetch it first: python main.py download ${folderOf(input)}`;
  const split = 'experts of each layer in host memory; which ones follows their use, 64 changes in 128 tokens';
  const fewer = 'fewer layers do not fit on the GPU; layers without experts do not count';
  return [
    folder !== undefined && input.hub === null && ['--model-dir', folder],
    ['--model-name', name!, which],
    ['--max-seq-len', setting.context],
    ['--cache-size', PAGE * Math.ceil((setting.context * setting.users) / PAGE)],
    ['--cache-mode', CACHE_BITS[setting.kv]],
    ['--chunk-size', setting.ubatch],
    ['--max-batch-size', setting.users],
    ['--cpu-moe-split-experts', slots !== null && input.experts - slots, split],
    ['--cpu-moe-offload-layers', slots === null && cpuMoe > 0 && cpuMoe, fewer],
  ];
});

/** Assumed share of a GPU for activations; no published figure. */
const LEAVES = 0.1;

/** Source of the expert split (-mcs). */
const READ = 'doc/moe_expert_profiles.md of 31cbf7a and pull request 315, 2026-09-01';

/**
 * ExLlamaV3 under TabbyAPI: EXL3 weights on GPUs that share layers; the first MoE layers' experts stay in host memory.
 */
export const exllamav3Runtime = runtimeFrom({
  name: 'exllamav3',
  vendors: ['nvidia'],
  logs: [{ format: perf, by: 'eval/perf.py of ExLlamaV3' }],
  places: 'by flags',
  hostLayers: (count) => count,
  advised: {
    ...SERVER,
    opens: 'exl3',
    profile: 'exllamav3',
    dialect,
    ladder: ({ layers }) => Array.from({ length: layers.length + 1 }, (_, cpuMoe) => ({ ...ALL_ON_GPU, cpuMoe })),
    caches: [
      {
        name: 'hot set',
        system: 'ktransformers-dynamic',
        misses: 'cpu',
        keeps: true,
        read: READ,
        measured: { exllamav3: '8 rows of profiles/measurements' },
      },
    ],
    // The guide recommends 512 to 4096.
    ubatches: [512, 1024, 2048, 4096],
    kv: ['f16', 'q8_0', 'q4_0'],
    // EXL3 has any average bits, and 6 for the head by default (doc/convert.md).
    quantizations: { bf16: 16, 'int8:bits=6': 6, 'int4:bits=5': 5, 'int4:bits=4': 4, 'int3:bits=3': 3, 'int2:bits=2.5': 2.5 },
    // Kernels are fastest at 4 bits (README.md).
    usualFile: 'int4:bits=4',
    memory: (...served) => servedMemory(LEAVES, ...served),
  },
});

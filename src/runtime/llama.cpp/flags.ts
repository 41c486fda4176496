import { formatCount } from '../../base/units.js';
import { type CommandInput, lineDialect, type Uses } from '../flags/dialect.js';
import { type FlagRows, type FlagUse, grammarOf, least, type NameIn, type Spelling, USUAL } from '../flags/flag.js';
import { flagGroups, type Timer } from '../flags/timer.js';
import { LEAST_BATCH } from '../kind/loaded.js';
import type { Benchmark } from '../kind/runtime.js';
import { isAllOnGpu, isCpuOnly } from '../setting/setting.js';

const KV_TYPES = ['f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'q4_1', 'iq4_nl', 'q5_0', 'q5_1'];

/** Flags of llama.cpp and its forks. */
export const SHARED_FLAGS = {
  '-m, --model': ['text', 'the model file; of a split one its first part'],
  '-c, --ctx-size': [least(0), 'tokens of context, of all users together'],
  '-np, --parallel': USUAL.users,
  '-b, --batch-size': [least(1), 'most prompt tokens that are handed over at a time; not less than -ub'],
  '-ub, --ubatch-size': USUAL.pass,
  '-t, --threads': [least(1), 'threads that compute experts while decoding'],
  '-ngl, --gpu-layers, --n-gpu-layers': [least(0), 'blocks of the file on the GPU, from the last on, the output matrix counted as one'],
  '-ncmoe, --n-cpu-moe': [
    least(0),
    'blocks of the file, from the first on, whose experts stay in host memory; blocks without experts count',
  ],
  '-cmoe, --cpu-moe': [null, 'the experts of all layers stay in host memory'],
  '-ot, --override-tensor': ['overrides', 'where tensors lie whose names match a pattern'],
  '-ts, --tensor-split': ['shares', 'shares of the blocks on each GPU, the output matrix counted as one'],
  '-fa, --flash-attn': [['on', 'off', 'auto'], 'flash attention: no scores are stored'],
  '-ctk, --cache-type-k': [KV_TYPES, 'storage of keys in the KV cache'],
  '-ctv, --cache-type-v': [KV_TYPES, 'storage of values in the KV cache'],
  '--numa': [['distribute', 'isolate', 'numactl'], 'how threads use several sockets'],
} satisfies FlagRows;

const GRAMMAR = grammarOf(
  { program: 'llama-server', version: 'v0.5.0 (de3ff81, 2026-09-28)', source: 'github.com/ggml-org/llama.cpp, common/arg.cpp' },
  {
    ...SHARED_FLAGS,
    // Since its pull request 20834 (July 2026); before: --no-mmap, --mlock.
    '-lm, --load-mode': [
      ['auto', 'none', 'mmap', 'mlock', 'mmap+mlock', 'dio'],
      'none: weights are read into memory, which GPUs copy from faster; mlock: they are never paged out',
    ],
    '-cram, --cache-ram': [least(0), 'most MiB of host memory for finished prompts; 8,192 unless said'],
    // Since build 11480.
    '--moe-cache-mib': [least(0), 'MiB of the GPUs for the experts of host memory that are used most, of all layers together'],
    '--moe-cache-cpu-share': ['share', 'share of the experts missing there that the CPU computes'],
    '-hf, -hfr, --hf-repo': ['text', 'the model on the Hugging Face hub, fetched at the first start'],
    '--no-mmproj': [null, 'the vision part of the repository is neither fetched nor loaded'],
    '-fit, --fit': [['on', 'off'], 'on: what is not set is fitted to free memory at the start'],
    '-sm, --split-mode': [['none', 'layer', 'row', 'tensor'], 'how several GPUs share the model'],
    '--spec-type': [['none', 'draft-mtp', 'ngram-simple', 'ngram-mod'], "what drafts tokens; draft-mtp: the model's own further layer"],
    '--spec-ngram-simple-size-m': [least(1), 'tokens that are drafted behind ones that stood before'],
    '--spec-draft-n-max': [least(1), 'most tokens that are drafted for a pass'],
  },
);

type Name = NameIn<typeof GRAMMAR>;

/** All layers, as lines have it. */
const ALL_LAYERS = 99;

/** All layers of a deeper model. */
const MORE_LAYERS = 999;

/** Bytes of finished prompts in host memory by default (--cache-ram, tools/server/README.md). */
const PROMPT_CACHE = 8192 * 2 ** 20;

/** Shared flags of both llama.cpp kinds, without those of the model. */
export function sharedUses({ blocks, ...input }: CommandInput): Uses<Spelling<keyof typeof SHARED_FLAGS>> {
  const { cores, cpuExpertLayers, gpus, moeLayers, setting, sockets, spec, split, splitPattern, unified } = input;
  const { layers, nextLayers } = spec.anatomy ?? { layers: spec.layers, nextLayers: 0 };
  const { context, cpuMoe, kv, oneSocket, ubatch, users } = setting;
  const [cpuOnly, computes] = [isCpuOnly(setting), !isAllOnGpu(setting)];
  const apart = !unified && !cpuOnly;
  const fewer = `fewer layers in host memory do not fit on the GPU beside ${formatCount(context)} tokens of context`;
  const copied = 'each pass over a prompt copies the experts that it uses from host memory once: larger passes, fewer copies';
  return [
    ['-c', context * users],
    ['-np', users],
    gpus > 0 && ['-ngl', blocks ?? (layers.length + nextLayers < ALL_LAYERS ? ALL_LAYERS : MORE_LAYERS)],
    // The first matching override decides, so the special flag goes first.
    apart &&
      splitPattern !== null && [
        '-ot',
        `${splitPattern}=CPU`,
        'what is left of the GPU takes the other projections of this layer, and not all of them',
      ],
    apart && cpuMoe > 0 && (cpuMoe >= moeLayers ? ['-cmoe', null, fewer] : ['-ncmoe', cpuExpertLayers, fewer]),
    split !== null &&
      !cpuOnly && [
        '-ts',
        split.join(','),
        'layers whose experts are in host memory are light: an even split would fill the last GPU first',
      ],
    ['-ub', ubatch, copied],
    ['-b', Math.max(LEAST_BATCH, ubatch)],
    ['-fa', 'on'],
    kv !== 'f16' && ['-ctk', kv, 'a smaller KV cache leaves room for experts on the GPU, at a small loss of quality'],
    kv !== 'f16' && ['-ctv', kv],
    computes &&
      cores > 0 && [
        '-t',
        oneSocket ? cores / sockets : cores,
        'one thread a fast core: experts are read from memory, more threads read no faster, and slow cores hold the others up',
      ],
    computes &&
      sockets > 1 &&
      (oneSocket
        ? ['--numa', 'isolate', "one socket reads its own memory faster than several read one another's"]
        : ['--numa', 'distribute', 'one socket has too little memory, or too few cores']),
  ];
}

/** Flags that `--fit` chooses unless set. */
const FITTED: readonly Name[] = ['-ngl', '-ot', '-ncmoe', '-cmoe'];

/** llama.cpp's server: layers by -ngl, experts of the first layers in host memory by --n-cpu-moe. */
export const llamaCppFlags = lineDialect(
  GRAMMAR,
  (input) => {
    const { cacheBytes, hostFree, hub, model, setting, unmapped, vision } = input;
    const { cache, cpuShare = 0, draft, drafter, slots } = setting;
    const looksUp = drafter === 'ngram';
    const loaded = 'weights in pinned memory, from which experts are copied faster; loading reads the whole file (older builds: --no-mmap)';
    return [
      hub === null ? ['-m', model] : ['-hf', hub],
      ...sharedUses(input),
      vision === true && ['--no-mmproj', null, 'its memory is not counted here'],
      cache !== null && [
        '--moe-cache-mib',
        Math.floor(cacheBytes / 2 ** 20),
        `${formatCount(slots!)} experts of each layer, as many as fit beside this context`,
      ],
      cpuShare > 0 && ['--moe-cache-cpu-share', cpuShare],
      // Mapped experts are not pinned and cross the link at half speed.
      (unmapped === true || cache !== null) && ['-lm', 'none', loaded],
      hostFree < PROMPT_CACHE && [
        '-cram',
        Math.floor(hostFree / 2 ** 20),
        'finished prompts would take 8,192 MiB of host memory, of which so much is free',
      ],
      draft > 0 && ['--spec-type', looksUp ? 'ngram-simple' : 'draft-mtp'],
      draft > 0 &&
        (looksUp
          ? ['--spec-ngram-simple-size-m', draft]
          : ['--spec-draft-n-max', draft, 'of a longer draft fewer tokens are right, and a pass reads the experts of all']),
    ];
  },
  (uses) => {
    const set = uses.map(([name]) => name).filter((name) => FITTED.some((flag) => flag === name));
    return set.length === 0 ? undefined : `Out of memory? Without ${set.join(', ')}, --fit chooses for you.`;
  },
);

/** Flags of llama-bench that the server has, too, and those only tried. */
const BENCHED: readonly Name[] = ['-b', '-ngl', '-ncmoe', '-ot', '-ub', '-t', '-ctk', '-ctv', '-lm'];
const TRIED: readonly Name[] = ['-ts', '-fa', '--numa'];

/** llama-bench: without `-cmoe`; passes are limited to the batch, and commas separate lists. */
export const llamaBench: Benchmark = {
  command: 'llama-bench',
  tests: '-p 512 -n 64 -r 2 -o jsonl',
  words: (uses: readonly FlagUse<Name>[], expertLayers, tuned = false) =>
    uses.flatMap(([flag, value]): string[] => {
      if (flag === '-cmoe') return ['-ncmoe', `${expertLayers}`];
      if (!BENCHED.includes(flag) && !(tuned && TRIED.includes(flag))) return [];
      if (flag === '-b' && Number(value) <= LEAST_BATCH) return [];
      return value === null ? [flag] : [flag, `${value}`.replaceAll(',', '/')];
    }),
  ways(uses: readonly FlagUse<Name>[], alone) {
    const threads = Number(uses.find(([flag]) => flag === '-t')?.[1] ?? 0);
    const load = uses.some(([flag]) => flag === '-lm') ? 'auto' : 'none';
    return [threads > 1 ? ['-t', Math.ceil(threads / 2)] : null, threads > 0 ? ['-lm', load] : null, alone ? ['-fa', 'off'] : null];
  },
};

/** llama-bench after several depths, which it reads for each test. */
export const llamaTimer: Timer = {
  file: 'bench.jsonl',
  prints: 'stdout',
  commands: ({ depths, expertLayers, generated, uses }) => {
    const model = uses.filter(([name]) => name === '-m' || name === '-hf').map(([name, value]) => [name, `${value}`]);
    const tests = [...depthWords(depths), ['-p', '512'], ['-n', `${generated}`], ['-r', '2'], ['-o', 'jsonl']];
    return [[[llamaBench.command], ...model, ...flagGroups(llamaBench.words(uses, expertLayers)), ...tests]];
  },
};

const depthWords = (depths: readonly number[]): string[][] => (depths.every((depth) => depth === 0) ? [] : [['-d', depths.join()]]);

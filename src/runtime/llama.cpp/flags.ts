import { formatCount } from '../../base/units.js';
import { type CommandInput, lineDialect } from '../flags/dialect.js';
import { type FlagUse, grammarOf } from '../flags/flag.js';
import { LEAST_BATCH } from '../kind/loaded.js';
import type { Benchmark } from '../kind/runtime.js';
import { isAllOnGpu, isCpuOnly } from '../setting/setting.js';

/** Flags of llama.cpp and its forks. */
export const SHARED_FLAGS = `
-m, --model  text  the model file; of a split one its first part
-c, --ctx-size  >=0  tokens of context, of all users together
-np, --parallel  >=1  conversations at a time
-b, --batch-size  >=1  most prompt tokens that are handed over at a time; not less than -ub
-ub, --ubatch-size  >=1  most prompt tokens of one pass
-t, --threads  >=1  threads that compute experts while decoding
-ngl, --gpu-layers, --n-gpu-layers  >=0  blocks of the file on the GPU, from the last on, the output matrix counted as
  one
-ncmoe, --n-cpu-moe  >=0  blocks of the file, from the first on, whose experts stay in host memory; blocks without
  experts count
-cmoe, --cpu-moe  -  the experts of all layers stay in host memory
-ot, --override-tensor  overrides  where tensors lie whose names match a pattern
-ts, --tensor-split  shares  shares of the blocks on each GPU, the output matrix counted as one
-fa, --flash-attn  on|off|auto  flash attention: no scores are stored
-ctk, --cache-type-k  f32|f16|bf16|q8_0|q4_0|q4_1|iq4_nl|q5_0|q5_1  storage of keys in the KV cache
-ctv, --cache-type-v  f32|f16|bf16|q8_0|q4_0|q4_1|iq4_nl|q5_0|q5_1  storage of values in the KV cache
--numa  distribute|isolate|numactl  how threads use several sockets
`;

const GRAMMAR = grammarOf(
  { program: 'llama-server', version: 'v0.5.0 (de3ff81, 2026-09-28)', source: 'github.com/ggml-org/llama.cpp, common/arg.cpp' },
  SHARED_FLAGS,
  `
# Since its pull request 20834 (July 2026); before: --no-mmap, --mlock.
-lm, --load-mode  auto|none|mmap|mlock|mmap+mlock|dio  none: weights are read into memory, which GPUs copy from faster;
  mlock: they are never paged out
-cram, --cache-ram  >=0  most MiB of host memory for finished prompts; 8,192 unless said
# Since build 11480.
--moe-cache-mib  >=0  MiB of the GPUs for the experts of host memory that are used most, of all layers together
--moe-cache-cpu-share  0..1  share of the experts missing there that the CPU computes
-hf, -hfr, --hf-repo  text  the model on the Hugging Face hub, fetched at the first start
--no-mmproj  -  the vision part of the repository is neither fetched nor loaded
-fit, --fit  on|off  on: what is not set is fitted to free memory at the start
-sm, --split-mode  none|layer|row|tensor  how several GPUs share the model
--spec-type  none|draft-mtp|ngram-simple|ngram-mod  what drafts tokens; draft-mtp: the model's own further layer
--spec-ngram-simple-size-m  >=1  tokens that are drafted behind ones that stood before
--spec-draft-n-max  >=1  most tokens that are drafted for a pass
`,
);

/** All layers: more than any model has. */
const ALL_LAYERS = 99;

/** System of the cache if the CPU computes misses. */
export const HYBRID = 'llama.cpp-hot-cache';

/** CPU share of misses: of the values tried by scripts/moe-cache-tune.py, a share that still admits hot experts. */
const CPU_SHARE = 0.95;

/** Bytes of finished prompts in host memory by default (--cache-ram, tools/server/README.md). */
const PROMPT_CACHE = 8192 * 2 ** 20;

/** Shared flags of both llama.cpp kinds, with reasons. @param where the model's flags */
export function sharedUses(input: CommandInput, ...where: readonly FlagUse[]): { uses: FlagUse[]; why: Record<string, string> } {
  const { blocks = ALL_LAYERS, cores, gpus, setting, sockets, split, unified } = input;
  const cpuOnly = isCpuOnly(setting);
  const uses: FlagUse[] = [...where, ['-c', setting.context * setting.users]];
  const why: Record<string, string> = {};
  uses.push(['-np', setting.users]);
  if (gpus > 0) uses.push(['-ngl', blocks]);
  // The first matching override decides, so the special flag goes first.
  for (const [flag, value] of unified || cpuOnly ? [] : expertsUses(input)) {
    uses.push([flag, value]);
    why[flag] =
      flag === '-ot'
        ? 'what is left of the GPU takes the other projections of this layer, and not all of them'
        : `fewer layers in host memory do not fit on the GPU beside ${formatCount(setting.context)} tokens of context`;
  }
  if (split !== null && !cpuOnly) {
    uses.push(['-ts', split.join(',')]);
    why['-ts'] = 'layers whose experts are in host memory are light: an even split would fill the last GPU first';
  }
  uses.push(['-ub', setting.ubatch], ['-b', Math.max(LEAST_BATCH, setting.ubatch)]);
  why['-ub'] = 'each pass over a prompt copies the experts that it uses from host memory once: larger passes, fewer copies';
  uses.push(['-fa', 'on']);
  if (setting.kv !== 'f16') {
    uses.push(['-ctk', setting.kv], ['-ctv', setting.kv]);
    why['-ctk'] = 'a smaller KV cache leaves room for experts on the GPU, at a small loss of quality';
  }
  const computes = !isAllOnGpu(setting);
  if (computes && cores > 0) {
    uses.push(['-t', setting.oneSocket ? cores / sockets : cores]);
    why['-t'] = 'one thread a fast core: experts are read from memory, more threads read no faster, and slow cores hold the others up';
  }
  if (computes && sockets > 1) {
    uses.push(['--numa', setting.oneSocket ? 'isolate' : 'distribute']);
    why['--numa'] = setting.oneSocket
      ? "one socket reads its own memory faster than several read one another's"
      : 'one socket has too little memory, or too few cores';
  }
  return { uses, why };
}

function expertsUses({ cpuExpertLayers, moeLayers, setting: { cpuMoe }, splitPattern }: CommandInput): FlagUse[] {
  const split: FlagUse[] = splitPattern === null ? [] : [['-ot', `${splitPattern}=CPU`]];
  if (cpuMoe === 0) return split;
  return [...split, cpuMoe >= moeLayers ? ['-cmoe', null] : ['-ncmoe', cpuExpertLayers]];
}

/** llama.cpp's server: layers by -ngl, experts of the first layers in host memory by --n-cpu-moe. */
export const llamaCppFlags = lineDialect(GRAMMAR, (input) => {
  const { uses, why } = sharedUses(input, input.hub === null ? ['-m', input.model] : ['-hf', input.hub]);
  const { cacheBytes, hostFree, setting, unmapped, vision } = input;
  if (vision === true) {
    uses.push(['--no-mmproj', null]);
    why['--no-mmproj'] = 'its memory is not counted here';
  }
  if (setting.cache !== null) {
    uses.push(['--moe-cache-mib', Math.floor(cacheBytes / 2 ** 20)]);
    why['--moe-cache-mib'] = `${formatCount(setting.slots!)} experts of each layer, as many as fit beside this context`;
    if (setting.cache === HYBRID) {
      uses.push(['--moe-cache-cpu-share', CPU_SHARE]);
      why['--moe-cache-cpu-share'] = 'the CPU computes most misses beside the card; the others move in';
    }
  }
  if (unmapped === true || setting.cache !== null) {
    // Mapped experts are not pinned and cross the link at half speed.
    uses.push(['-lm', 'none']);
    why['-lm'] = 'weights in pinned memory, from which experts are copied faster; loading reads the whole file (older builds: --no-mmap)';
  }
  if (hostFree < PROMPT_CACHE) {
    uses.push(['-cram', Math.floor(hostFree / 2 ** 20)]);
    why['-cram'] = 'finished prompts would take 8,192 MiB of host memory, of which so much is free';
  }
  if (setting.draft > 0 && setting.drafter === 'ngram') {
    uses.push(['--spec-type', 'ngram-simple'], ['--spec-ngram-simple-size-m', setting.draft]);
  } else if (setting.draft > 0) {
    uses.push(['--spec-type', 'draft-mtp'], ['--spec-draft-n-max', setting.draft]);
    why['--spec-draft-n-max'] = 'of a longer draft fewer tokens are right, and a pass reads the experts of all';
  }
  const set = uses.map(([name]) => name).filter((name) => ['-ngl', '-ot', '-ncmoe', '-cmoe'].includes(name));
  return {
    uses,
    why,
    net: set.length === 0 ? undefined : `Out of memory? Without ${set.join(', ')}, --fit chooses for you.`,
  };
});

/** Flags of llama-bench that the server has, too, and those only tried. */
const BENCHED = ['-b', '-ngl', '-ncmoe', '-ot', '-ub', '-t', '-ctk', '-ctv', '-lm'];
const TRIED = ['-ts', '-fa', '--numa'];

/** llama-bench: without `-cmoe`; passes are limited to the batch, and commas separate lists. */
export const llamaBench: Benchmark = {
  command: 'llama-bench',
  tests: '-p 512 -n 128',
  words: (uses, expertLayers, tuned = false) =>
    uses.flatMap(([flag, value]): string[] => {
      if (flag === '-cmoe') return ['-ncmoe', `${expertLayers}`];
      if (!BENCHED.includes(flag) && !(tuned && TRIED.includes(flag))) return [];
      if (flag === '-b' && Number(value) <= LEAST_BATCH) return [];
      return value === null ? [flag] : [flag, `${value}`.replaceAll(',', '/')];
    }),
  ways(uses, alone) {
    const threads = Number(uses.find(([flag]) => flag === '-t')?.[1] ?? 0);
    const load = uses.some(([flag]) => flag === '-lm') ? 'auto' : 'none';
    return [threads > 1 ? ['-t', Math.ceil(threads / 2)] : null, threads > 0 ? ['-lm', load] : null, alone ? ['-fa', 'off'] : null];
  },
};

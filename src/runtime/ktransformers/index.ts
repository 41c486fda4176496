import { formatCount } from '../../base/units.js';
import { mainFormat } from '../../model/door.js';
import { folderOf, lineDialect } from '../flags/dialect.js';
import { grammarOf, least } from '../flags/flag.js';
import { byShare, SERVER } from '../kind/advised.js';
import { runtimeFrom } from '../kind/runtime.js';
import { servedMemory } from '../kind/served.js';
import { evalRates, linesOf, printedSpeed } from '../logs/lines.js';
import type { PrintedTiming, TimingFormat } from '../logs/timing.js';
import { SGLANG_FLAGS, SGLANG_LEAVES, serverUses } from '../sglang/flags.js';

function methodOf(format: string | null): string {
  if (format === null) return 'BF16';
  if (format.startsWith('mxfp4')) return 'MXFP4';
  if (format.startsWith('fp8')) return 'FP8';
  if (format.startsWith('int4')) return 'RAWINT4';
  if (/^i?q\d/.test(format)) return 'LLAMAFILE';
  return 'BF16';
}

/** Least prompt tokens for all experts on the GPU: the guide's minimum (kt-kernel/README.md). */
const PREFILL_FROM = 1024;

// KTransformers documents flags of drafts for one of its models, and none is advised.
const GRAMMAR = grammarOf(
  {
    program: 'python -m sglang.launch_server',
    version: '2026-08-21 (95009ea)',
    source: 'github.com/kvcache-ai/ktransformers, doc/en/kt-kernel',
  },
  {
    ...SGLANG_FLAGS,
    '--kt-weight-path': ['text', 'folder of the experts that the CPU computes'],
    '--kt-method': [
      ['AMXINT4', 'AMXINT8', 'RAWINT4', 'FP8', 'FP8_PERCHANNEL', 'BF16', 'LLAMAFILE', 'MOE_INT4', 'MOE_INT8', 'MXFP4'],
      'kernels of the CPU, by what its experts are stored in',
    ],
    '--kt-cpuinfer': [least(1), 'threads that compute experts'],
    '--kt-threadpool-count': [least(1), 'pools of threads, one for each socket'],
    '--kt-num-gpu-experts': [least(0), 'experts of each layer on the GPU'],
    '--kt-expert-placement-strategy': [['uniform', 'frequency', 'front-loading', 'random'], 'which experts those are'],
    '--init-expert-location': ['text', 'a file with counts of experts, by which frequency places them'],
    '--kt-gpu-prefill-token-threshold': [least(1), 'tokens of a prompt from which on the GPU computes all experts'],
    '--kt-max-deferred-experts-per-token': [least(0), 'experts of a token that may come a layer late'],
    '--kt-enable-dynamic-expert-update': [null, 'experts of the GPU are chosen anew as prompts go by'],
  },
);

const ktransformersFlags = lineDialect(GRAMMAR, (input) => {
  const { cores, format, setting, sockets } = input;
  const onGpu = setting.slots ?? setting.gpuExperts;
  const { followsPrompts, slots } = setting;
  const most = `more do not fit on the GPU beside ${formatCount(setting.context)} tokens of context`;
  const counts = 'counts of the experts that your texts use; moeprof place --for sglang -o experts.json writes it from a trace';
  return [
    ...serverUses(input),
    ['--kt-weight-path', folderOf(input)],
    ['--kt-method', methodOf(format)],
    cores > 0 && ['--kt-cpuinfer', cores],
    ['--kt-threadpool-count', sockets],
    ['--kt-num-gpu-experts', onGpu ?? false, most],
    slots !== null && ['--kt-expert-placement-strategy', 'frequency'],
    ['--init-expert-location', slots !== null && 'experts.json', counts],
    followsPrompts && ['--kt-expert-placement-strategy', 'uniform'],
    followsPrompts && ['--kt-gpu-prefill-token-threshold', PREFILL_FROM],
    followsPrompts && ['--kt-enable-dynamic-expert-update', null],
  ];
});

/** `Performance(T/s): prefill 123.4, decode 13.5.` of KTransformers' server. */
const ktransformersServer: TimingFormat = {
  recognizes: (text) => /Performance\(T\/s\):\s*prefill/.test(text),
  read: (text, path) =>
    linesOf(text, path).flatMap(({ place, text: line }): PrintedTiming[] => {
      const match = /Performance\(T\/s\):\s*prefill\s+([^\s,]+?),?\s+decode\s+([\d.]+)/.exec(line);
      if (match === null) return [];
      return [
        {
          place,
          prefill: printedSpeed(match[1]!, place, 'prefill'),
          decode: printedSpeed(match[2]!.replace(/\.$/, ''), place, 'decode'),
        },
      ];
    }),
};

/** KTransformers: CPU kernels for experts, alone or under SGLang's server. */
export const ktransformersRuntime = runtimeFrom({
  name: 'ktransformers',
  vendors: ['nvidia', 'amd', 'intel', 'none'],
  programs: { 'sglang+kt': 'sglang-kt' },
  // CUDA graphs need all experts off the GPU.
  profileOf: (program, mixed) => (program === 'sglang+kt' ? 'sglang-kt' : mixed ? 'ktransformers-eager' : program),
  logs: [
    { format: ktransformersServer, by: 'KTransformers server' },
    { format: evalRates, by: 'KTransformers local_chat' },
  ],
  advised: {
    ...SERVER,
    profile: 'sglang-kt',
    dialect: ktransformersFlags,
    // Only formats shared by GPU and CPU.
    followsFrom: ({ layers }) => (['FP8', 'RAWINT4'].includes(methodOf(mainFormat(layers[0]!.formats))) ? PREFILL_FROM : null),
    ladder: byShare,
    caches: [
      {
        name: 'hot set',
        system: 'sglang-kt',
        misses: 'cpu',
        keeps: true,
        read: 'doc/en/kt-kernel of 95009ea, 2026-08-21',
        measured: { 'sglang-kt': '6 rows of profiles/measurements' },
      },
    ],
    // Thread pools are faster on all sockets, so a single socket is never isolated.
    memory: (...served) => servedMemory(SGLANG_LEAVES, ...served),
  },
  places: 'all in host memory',
  systemOf: ({ as }) => (as === 'followed share' ? 'ktransformers-dynamic' : null),
});

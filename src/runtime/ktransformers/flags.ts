// KTransformers: its kernels compute experts on the CPU below SGLang's server; each layer has some experts on the GPU.
import { formatCount } from '../../base/units.js';
import { folderOf, lineDialect } from '../flags/dialect.js';
import { choice, count, type FlagUse, type Grammar, SWITCH, TEXT } from '../flags/flag.js';
import { SERVER_FLAGS, serverUses } from '../sglang/flags.js';

/** Names of the CPU kernels of experts. */
const METHODS = ['AMXINT4', 'AMXINT8', 'RAWINT4', 'FP8', 'FP8_PERCHANNEL', 'BF16', 'LLAMAFILE', 'MOE_INT4', 'MOE_INT8', 'MXFP4'];

const GRAMMAR: Grammar = {
  program: 'python -m sglang.launch_server',
  version: '2026-08-21 (95009ea)',
  source: 'github.com/kvcache-ai/ktransformers, doc/en/kt-kernel',
  flags: [
    ...SERVER_FLAGS,
    { names: ['--kt-weight-path'], takes: TEXT, does: 'folder of the experts that the CPU computes' },
    { names: ['--kt-method'], takes: choice(...METHODS), does: 'kernels of the CPU, by what its experts are stored in' },
    { names: ['--kt-cpuinfer'], takes: count(1), does: 'threads that compute experts' },
    { names: ['--kt-threadpool-count'], takes: count(1), does: 'pools of threads, one for each socket' },
    { names: ['--kt-num-gpu-experts'], takes: count(), does: 'experts of each layer on the GPU' },
    {
      names: ['--kt-expert-placement-strategy'],
      takes: choice('uniform', 'frequency', 'front-loading', 'random'),
      does: 'which experts those are',
    },
    { names: ['--kt-gpu-prefill-token-threshold'], takes: count(1), does: 'tokens of a prompt from which on the GPU computes all experts' },
    { names: ['--kt-max-deferred-experts-per-token'], takes: count(), does: 'experts of a token that may come a layer late' },
    { names: ['--kt-enable-dynamic-expert-update'], takes: SWITCH, does: 'experts of the GPU are chosen anew as prompts go by' },
  ],
};

/** The kernels for a storage format of experts. */
function methodOf(format: string | null): string {
  if (format === null) return 'BF16';
  if (format.startsWith('mxfp4')) return 'MXFP4';
  if (format.startsWith('fp8')) return 'FP8';
  if (format.startsWith('int4')) return 'RAWINT4';
  if (/^i?q\d/.test(format)) return 'LLAMAFILE';
  return 'BF16';
}

/** Tokens of a prompt from which on the GPU computes all of its experts: the least that its guide names (kt-kernel/README.md). */
const PREFILL_FROM = 1024;

/**
 * Tokens of a prompt from which on the experts of the GPU are chosen by what it routes to; null: never. Only kernels of formats that GPU and
 * CPU share compute prompts so.
 */
export function followsFrom(format: string | null): number | null {
  return ['FP8', 'RAWINT4'].includes(methodOf(format)) ? PREFILL_FROM : null;
}

/** KTransformers. */
export const ktransformersFlags = lineDialect(GRAMMAR, (input) => {
  const { cores, format, setting, sockets } = input;
  const uses: FlagUse[] = [
    ...serverUses(input),
    ['--kt-weight-path', folderOf(input)],
    ['--kt-method', methodOf(format)],
    ...(cores > 0 ? ([['--kt-cpuinfer', cores]] as const) : []),
    ['--kt-threadpool-count', sockets],
    ...(setting.gpuExperts === null ? [] : ([['--kt-num-gpu-experts', setting.gpuExperts]] as const)),
    ...(setting.followsPrompts
      ? ([
          ['--kt-expert-placement-strategy', 'uniform'],
          ['--kt-gpu-prefill-token-threshold', PREFILL_FROM],
          ['--kt-enable-dynamic-expert-update', null],
        ] as const)
      : []),
  ];
  return { uses, why: { '--kt-num-gpu-experts': `more do not fit on the GPU beside ${formatCount(setting.context)} tokens of context` } };
});

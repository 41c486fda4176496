import { folderOf, lineDialect } from '../flags/dialect.js';
import { grammarOf, least, USUAL } from '../flags/flag.js';
import { SERVER } from '../kind/advised.js';
import { runtimeFrom } from '../kind/runtime.js';
import { servedMemory } from '../kind/served.js';

/** Default share of a GPU left free (--memory-ratio). */
const LEAVES = 0.1;

const HYBRID = 'freetoken-hybrid';

const READ = 'docs/cli.md of 0517cbc, docs/models.md of 03fb043, autumn 2026';

const GRAMMAR = grammarOf(
  { program: 'ft serve', version: '0517cbc, autumn 2026', source: 'github.com/FlashML-org/FreeToken, docs/cli.md' },
  {
    '--model, --model-path': USUAL.model,
    '--max-seq-len-override': USUAL.context,
    '--num-tokens': USUAL.cached,
    '--max-running-requests': USUAL.users,
    '--max-prefill-length': [least(1), 'most prompt tokens of one pass; 8192 unless said'],
    '--moe-strategy': [
      ['auto', 'fused', 'offload', 'cpu', 'hybrid'],
      'where experts lie that the cache lacks: offload brings them, cpu computes them there, hybrid does both',
    ],
    '--moe-cache-size': [least(1), 'experts of all layers together in the cache on the GPU'],
    '--moe-cpu-threads': [least(1), 'threads that compute experts'],
    '--memory-ratio': ['share', 'share of GPU memory that is used; 0.9 unless said'],
  },
);

const dialect = lineDialect(GRAMMAR, (input) => {
  const { cores, moeLayers, setting } = input;
  const { cache, slots } = setting;
  return [
    ['--model', folderOf(input)],
    ['--max-seq-len-override', setting.context],
    ['--num-tokens', setting.context * setting.users],
    ['--max-running-requests', setting.users],
    ['--max-prefill-length', setting.ubatch],
    ['--moe-strategy', slots === null ? 'fused' : cache === HYBRID ? 'hybrid' : 'offload'],
    ['--moe-cache-size', slots !== null && slots * moeLayers, 'slots of all layers together: more do not fit beside this context'],
    cache === HYBRID && cores > 0 && ['--moe-cpu-threads', cores],
  ];
});

const MEASURED = { freetoken: '13 rows of profiles/measurements' };

/**
 * FreeToken: an expert cache with a pool of slots for all layers; strategy hybrid splits misses between CPU and link.
 */
export const freetokenRuntime = runtimeFrom({
  name: 'freetoken',
  vendors: ['nvidia', 'amd'],
  systemOf: ({ as, misses }) =>
    as === 'cache'
      ? { name: 'lru', cache: { policy: 'lru', scope: 'global' }, onMiss: misses === 'cpu' ? { do: 'cheaper', by: 'rate' } : 'load' }
      : null,
  advised: {
    ...SERVER,
    profile: 'freetoken',
    dialect,
    caches: [
      {
        name: 'LRU cache',
        system: 'on-demand-lru',
        misses: 'link',
        keeps: true,
        read: READ,
        measured: MEASURED,
      },
      {
        name: 'hybrid',
        system: HYBRID,
        misses: 'either',
        keeps: true,
        read: READ,
        measured: MEASURED,
      },
    ],
    quantizations: { bf16: 16, fp8: 8, nvfp4: 4.5 },
    usualFile: 'nvfp4',
    memory: (...served) => servedMemory(LEAVES, ...served),
  },
});

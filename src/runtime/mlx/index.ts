import { folderOf, lineDialect } from '../flags/dialect.js';
import { grammarOf, least, USUAL } from '../flags/flag.js';
import { SERVER } from '../kind/advised.js';
import { runtimeFrom } from '../kind/runtime.js';
import { servedMemory } from '../kind/served.js';

/** Assumed share of memory for activations and finished prompts; no published figure. */
const LEAVES = 0.1;

const GRAMMAR = grammarOf(
  { program: 'mlx_lm.server', version: '0130d3b, 2026', source: 'github.com/ml-explore/mlx-lm, mlx_lm/server.py' },
  {
    '--model': USUAL.model,
    '--prefill-step-size': [least(1), 'most prompt tokens of one pass; 2048 unless said'],
    '--decode-concurrency': [least(1), 'conversations at a time; 32 unless said'],
    '--prompt-cache-size': [least(1), 'finished prompts whose KV caches stay; 10 unless said'],
  },
);

const dialect = lineDialect(GRAMMAR, (input) => [
  ['--model', folderOf(input)],
  ['--prefill-step-size', input.setting.ubatch],
  ['--decode-concurrency', input.setting.users],
  ['--prompt-cache-size', input.setting.users, 'it would keep the caches of ten finished prompts beside the model'],
]);

/** MLX: the framework of Apple silicon; mlx-lm's server holds the whole model in unified memory. */
export const mlxRuntime = runtimeFrom({
  name: 'mlx',
  vendors: ['apple'],
  advised: {
    ...SERVER,
    profile: 'mlx',
    dialect,
    ubatches: [512, 2048, 4096],
    // mlx_lm.convert: groups of 64 with a scale and a bias of 16 bits.
    quantizations: { bf16: 16, mlx8: 8.5, mlx6: 6.5, mlx5: 5.5, mlx4: 4.5, mlx3: 3.5 },
    usualFile: 'mlx4',
    opens: 'mlx',
    memory: (...served) => servedMemory(LEAVES, ...served),
  },
});

// Hugging Face models run eagerly, and papers' programs on them with other expert layers. It represents programs of measurements without a closer
// runtime, each by its name.
import type { KnownRuntime } from '../kind/runtime.js';

/** Programs with a cache that is a bundled system of their name. */
const CACHES = ['mixtral-offloading', 'hybrimoe', 'adapmoe', 'expertflow', 'fiddler', 'hobbit', 'promoe', 'moe-infinity'];

/** Programs that it stands for with its own profile: models in Python, and others of which no speed is known. */
const OTHERS = [
  ...['transformers', 'deepspeed', 'deepspeed-mii', 'brainstorm', 'fiddler', 'hobbit', 'hybrimoe', 'expertflow', 'promoe'],
  ...['hybrid-cache', 'on-demand', 'cpu-only', 'tritonllm', 'vllm-like', 'ds4'],
];

/** Hugging Face's eager mode. */
export const hfEagerRuntime: KnownRuntime = {
  name: 'hf-eager',
  // AdapMoE is the code of mixtral-offloading with another cache.
  programs: {
    ...Object.fromEntries(OTHERS.map((name) => [name, 'hf-eager'])),
    'mixtral-offloading': 'hf-eager-hqq',
    adapmoe: 'hf-eager-hqq',
    'cache-moe': 'hf-eager-pageable',
    'moe-infinity': 'moe-infinity',
  },
  systems: { cache: (program) => (CACHES.includes(program) ? program : undefined) },
};

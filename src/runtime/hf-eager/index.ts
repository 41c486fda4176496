// Hugging Face models in eager mode, and measurement programs without a closer runtime.
import { runtimeFrom } from '../kind/runtime.js';

/** Programs whose cache is a bundled system of the same name. */
const CACHES = ['mixtral-offloading', 'hybrimoe', 'adapmoe', 'expertflow', 'fiddler', 'hobbit', 'promoe', 'moe-infinity'];

/** Models in Python, and programs without a known speed. */
const OTHERS = [
  ...['transformers', 'deepspeed', 'deepspeed-mii', 'brainstorm', 'fiddler', 'hobbit', 'hybrimoe', 'expertflow', 'promoe'],
  ...['hybrid-cache', 'on-demand', 'cpu-only', 'tritonllm', 'vllm-like', 'ds4'],
];

/** Hugging Face's eager mode. */
export const hfEagerRuntime = runtimeFrom({
  name: 'hf-eager',
  // AdapMoE is mixtral-offloading with a different cache.
  programs: {
    ...Object.fromEntries(OTHERS.map((name) => [name, 'hf-eager'])),
    'mixtral-offloading': 'hf-eager-hqq',
    adapmoe: 'hf-eager-hqq',
    'cache-moe': 'hf-eager-pageable',
    'moe-infinity': 'moe-infinity',
  },
  systemOf: ({ as, program }) => (as === 'cache' && CACHES.includes(program) ? program : null),
});

// Hugging Face models run eagerly, and papers' programs on them, whose expert layers were exchanged. It stands for any program that has no
// runtime of its own.
import type { KnownRuntime } from '../kind/runtime.js';

/** Programs with a cache that is a bundled system of their name. */
const CACHES = ['mixtral-offloading', 'hybrimoe', 'adapmoe', 'expertflow', 'fiddler', 'hobbit', 'promoe', 'moe-infinity'];

/** Hugging Face's eager mode. */
export const hfEagerRuntime: KnownRuntime = {
  name: 'hf-eager',
  programs: { 'mixtral-offloading': 'hf-eager-hqq', 'cache-moe': 'hf-eager-pageable', 'moe-infinity': 'moe-infinity' },
  systems: { cache: (program) => (CACHES.includes(program) ? program : undefined) },
};

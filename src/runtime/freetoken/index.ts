// FreeToken: an expert cache with one pool of slots for all layers; its strategy hybrid shares misses out between CPU and link.
import type { KnownRuntime } from '../kind/runtime.js';

/** FreeToken. */
export const freetokenRuntime: KnownRuntime = { name: 'freetoken', sharesSlots: true };

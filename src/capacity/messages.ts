// Messages between the threads of a capacity curve. Types only.
import type { SentError } from '../base/sent-error.js';
import type { CapacityCounts } from '../cache/curves/lru-curve.js';
import type { BlockRing } from './blocks.js';
import type { JobSpec } from './job.js';

/** Data that a thread starts with. */
export interface ThreadData {
  readonly job: JobSpec;
  readonly ring: BlockRing;
  /** One Int32: how many threads may still start to compute at once. */
  readonly permits: ArrayBufferLike;
}

/** To a thread: a block is full, or there are no more. */
export type ToThread = { readonly kind: 'block'; readonly block: number; readonly rows: number } | { readonly kind: 'end' };

/** From a thread: a block is done with; tokens replayed after the last block; the counts; or what went wrong. */
export type FromThread =
  | { readonly kind: 'done'; readonly block: number; readonly rows: number }
  | { readonly kind: 'progress'; readonly tokens: number }
  | { readonly kind: 'counts'; readonly counts: CapacityCounts[] }
  | { readonly kind: 'thrown'; readonly error: SentError };

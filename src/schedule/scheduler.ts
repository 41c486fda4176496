// The contract of a scheduler: it decides which tokens run together next. It sees requests, never caches or links.
import type { Parameters, ParameterTable } from '../base/parameters.js';
import type { Request } from './request.js';

/** What one request contributes to a pass: its next `tokens` rows. */
export interface Share {
  readonly request: Request;
  readonly tokens: number;
}

/** Decides the composition of passes. */
export interface Scheduler {
  /** A request has arrived. */
  add(request: Request): void;
  /** The next pass at time `nowNs`; empty: nothing can run now. The array is reused by the next call. */
  next(nowNs: number): readonly Share[];
  /** The pass made of `shares` has run; `request.done` is up to date. */
  finished(shares: readonly Share[], nowNs: number): void;
  /** Requests that were added and have not finished. */
  readonly pending: number;
}

/** Limits that every scheduler obeys. */
export interface SchedulerLimits {
  /** Requests that run at once. */
  readonly batch: number;
  /** Most tokens of one pass: decode tokens first, the rest is filled with prefill (chunked prefill). */
  readonly maxTokensPerPass: number;
}

/** One member of the family of schedulers. */
export interface SchedulerDefinition {
  readonly name: string;
  /** One sentence: which tokens it puts together. */
  readonly summary: string;
  readonly cites: string;
  readonly parameters: ParameterTable;
  create(limits: SchedulerLimits, parameters: Parameters): Scheduler;
}

import type { Member, Parameters } from '../base/parameters.js';
import type { Random } from '../base/random.js';
import type { Known } from '../result/knowledge.js';
import type { KvRoom } from './kv-room.js';
import type { PathView, Residency } from './paths.js';
import type { Drafts, Request } from './request.js';
import type { TextDrafts } from './text-drafts.js';

/** The share of one request in a pass: its next `tokens` rows. */
export interface Share {
  readonly request: Request;
  /** Drafted ones included. */
  readonly tokens: number;
  /** The last of them that are drafted and turn out wrong: they run, and are run again. Absent: none. */
  rejected?: number;
  /** The texts that drafts were copied from: a rejected token takes the routing of its source. Absent, null: that of a token far away. */
  standIns?: Pick<TextDrafts, 'sourceOf'> | null;
  /** True: the tokens are those before the next one, and run a second time. Then all of them count as rejected. Absent: false. */
  readonly again?: boolean;
}

/** The contract of a scheduler, which decides what runs together next. It sees requests, and paths and residency if it needs them. */
export interface Scheduler {
  add(request: Request): void;
  /** The next pass at time `nowNs`; empty: nothing can run now. The array is reused by the next call. */
  next(nowNs: number): readonly Share[];
  /** The pass made of `shares` has run; `request.done` is up to date. */
  finished(shares: readonly Share[], nowNs: number): void;
  /** Requests that were added and have not finished. */
  readonly pending: number;
  /** Modelled time of the last {@link next} that delays its pass, ns. Absent: none. */
  readonly costNs?: number;
  /** The error if {@link next} stays empty although requests are pending; absent: that would be a bug of ours. */
  stuck?(): Error;
  /** This scheduler's own metrics, by name of the catalogue. */
  metrics?(): Readonly<Record<string, number>>;
}

/** Limits that every scheduler obeys. */
export interface SchedulerLimits {
  readonly batch: number;
  /** Most tokens of one pass: decode tokens first, the rest is filled with prefill (chunked prefill). */
  readonly maxTokensPerPass: number;
}

/** The promises of a scheduler to every request, in passes. */
export interface Fairness {
  /** Most passes in a row that leave out a request which has begun. */
  readonly passedOver: number;
  /** Most passes that a request has waited when one that came after it begins before it; both have a prompt. */
  readonly overtaken: number;
}

/** Knowledge of a scheduler besides its requests. Fields that it did not name in `needs` may be null. */
export interface SchedulerContext {
  /** Room for KV caches: admits requests, and releases finished ones. */
  readonly kv: KvRoom;
  readonly paths: PathView | null;
  readonly residency: Residency | null;
  /** A stream of this scheduler's own. */
  readonly random: Random;
  /** Costs of moving KV caches and experts on this machine; absent: none. */
  readonly moves?: {
    /** Copying a token of KV cache within GPU memory, ns. */
    readonly kvTokenNs: number;
    /** Tokens of KV cache that every request has before its first. */
    readonly context: number;
    /** Loading an expert, ns. */
    readonly loadNs: number;
  };
  /** Drafts of requests; absent or null: none. */
  readonly drafts?: Drafts | null;
}

type SchedulerNeed = 'paths' | 'residency';

/** One member of the family of schedulers. */
export interface SchedulerDefinition extends Member {
  readonly needs?: readonly SchedulerNeed[];
  fairness(limits: SchedulerLimits, parameters: Parameters): Fairness;
  /** Requests that run at once, if these are more than one pass holds (a pool); absent: the batch. */
  running?(limits: SchedulerLimits, parameters: Parameters): number;
  /** Requests whose dense work runs together, one such group after another; absent: all of a pass. */
  attending?(limits: SchedulerLimits, parameters: Parameters): number;
  create(limits: SchedulerLimits, parameters: Parameters, context: SchedulerContext): Scheduler;
}

/** A scheduler's knowledge (L17): the future if it groups by paths that tokens take. Of new requests, `previous` is the first path. */
export function schedulerKnows({ needs = [] }: Pick<SchedulerDefinition, 'needs'>, { paths }: Parameters): Known {
  const isTruth = needs.includes('paths') && paths !== 'predicted' && paths !== 'previous';
  return { knows: isTruth ? 'future' : 'nothing' };
}

import { type Member, memberOf, type Parameters } from '../base/parameters.js';
import type { Random } from '../base/random.js';
import type { Known } from '../result/knowledge.js';
import type { KvRoom } from './kv-room.js';
import type { PathView, Residency } from './paths.js';
import type { Drafts, Request } from './request.js';
import type { TextDrafts } from './text-drafts.js';

/** A request's next `tokens` rows in a pass. */
export interface Share {
  readonly request: Request;
  /** Includes drafted tokens. */
  readonly tokens: number;
  /** Trailing drafted tokens to be rejected; absent: 0. */
  rejected?: number;
  /** Source texts of drafts, for the routing of rejected tokens. Absent: the routing of a far token. */
  standIns?: Pick<TextDrafts, 'sourceOf'>;
  /** True: reruns the tokens before the next, all counted as rejected. */
  readonly again?: boolean;
}

/** Decides the requests of the next pass. */
export interface Scheduler {
  add(request: Request): void;
  /** The next pass at `nowNs`, valid until the next call; empty: nothing can run now. */
  next(nowNs: number): readonly Share[];
  /** After the pass of `shares`, with `request.done` updated. */
  finished(shares: readonly Share[], nowNs: number): void;
  /** Added, unfinished requests. */
  readonly pending: number;
  /** Modelled delay of a pass by the last {@link next}, ns. Absent: none. */
  readonly costNs?: number;
  /** Error if {@link next} stays empty with pending requests; absent: an internal error. */
  stuck?(): Error;
  /** Metrics of the scheduler, by name of the catalogue. */
  metrics?(): Readonly<Record<string, number>>;
}

/** Limits for every scheduler. */
export interface SchedulerLimits {
  readonly batch: number;
  /** Most tokens of a pass: decode tokens, then prefill (chunked prefill). */
  readonly maxTokensPerPass: number;
}

/** Promises to every request, in passes. */
export interface Fairness {
  /** Most passes in a row that leave out a begun request. */
  readonly passedOver: number;
  /** Most passes that a request has waited when a later request begins first; both have prompts. */
  readonly overtaken: number;
}

/** Fields not named in `needs` may be null. */
export interface SchedulerContext {
  /** Admits requests, and releases finished requests. */
  readonly kv: KvRoom;
  readonly paths: PathView | null;
  readonly residency: Residency | null;
  readonly random: Random;
  /** Costs of moving KV caches and experts; absent: none. */
  readonly moves?: {
    /** Copy of a KV token within GPU memory, ns. */
    readonly kvTokenNs: number;
    readonly context: number;
    /** Load of an expert, ns. */
    readonly loadNs: number;
  };
  readonly drafts: Drafts | null;
}

type SchedulerNeed = 'paths' | 'residency';

/** A member of the family of schedulers. */
export interface SchedulerDefinition extends Member {
  readonly needs?: readonly SchedulerNeed[];
  fairness(limits: SchedulerLimits, parameters: Parameters): Fairness;
  /** Concurrent requests if more than a pass holds (a pool); absent: the batch. */
  running?(limits: SchedulerLimits, parameters: Parameters): number;
  /** Requests whose dense work runs together, group after group; absent: the whole pass. */
  attending?(limits: SchedulerLimits, parameters: Parameters): number;
  create(limits: SchedulerLimits, parameters: Parameters, context: SchedulerContext): Scheduler;
}

/** A scheduler from its definition. */
export const scheduler = memberOf<SchedulerDefinition>();

/** The future if grouping by true paths (L17). For new requests, `previous` reads the first path. */
export function schedulerKnows({ needs = [] }: Pick<SchedulerDefinition, 'needs'>, { paths }: Parameters): Known {
  const isTruth = needs.includes('paths') && paths !== 'predicted' && paths !== 'previous';
  return { knows: isTruth ? 'future' : 'nothing' };
}

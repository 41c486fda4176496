import type { Member, Parameters } from '../base/parameters.js';
import type { Random } from '../base/random.js';
import type { Known } from '../result/knowledge.js';

/** No expert: returned by {@link CachePolicy.victim} if every resident is pinned. */
export const NONE = -1;

/** Which experts may not be evicted at the moment: members of the running event, experts in flight, nearer predictions (L4, L11). */
export class Pins {
  /** Rank of each expert, local id; lower is more protected. {@link UNPINNED} = not protected at all. */
  readonly rank: Int32Array;
  /** Experts of a rank below this are pinned: 0 for a demand; the incoming expert's own rank for a prefetch. */
  limit = 0;

  /** @param rank one entry per expert of the cache, shared with the code that pins */
  constructor(rank: Int32Array) {
    this.rank = rank;
  }

  /** True while expert `id` must not be evicted. */
  has(id: number): boolean {
    return this.rank[id]! < this.limit;
  }
}

/** Rank of an expert that must not be evicted for anything: a member of the running event, or in flight (L4). */
export const PINNED = -1;

/** Rank of an expert without a pin. */
export const UNPINNED = 0x7fffffff;

/** Current position of the replay; written by the engine before it calls a policy, read by policies that depend on time or place. */
export interface Clock {
  /** Events judged so far; in sequential replay, accesses. */
  event: number;
  pass: number;
  layer: number;
}

/** The knowledge of a policy. Fields without an entry in `needs` may be null. */
export interface PolicyContext {
  /** Experts that can ever be in this cache: ids are [0, experts). */
  readonly experts: number;
  readonly sizes: Float64Array;
  /** Capacity of the cache in bytes at the start, and the most that it ever has. */
  readonly capacityBytes: number;
  /** True if all sizes are equal: a policy may then count slots. */
  readonly uniform: boolean;
  readonly layerOf: Uint16Array;
  readonly layers: number;
  readonly clock: Clock;
  /** A stream of this policy's own. */
  readonly random: Random;
  /** Event number of each expert's next use ({@link NEVER}: none), valid once an event has shown the expert to the policy. Present if needed. */
  readonly nextUse: Int32Array | null;
  /** Activations of each expert in a profiling prefix or a popularity trace. Present if the policy needs it. */
  readonly popularity: Float64Array | null;
  /** Predicted probability that the rest of the pass, or the next if its layer is done, demands each expert; zero without a prediction. */
  readonly predicted: Float32Array | null;
  /** By MoE layer: changes whenever `predicted` of the layer does. Present with `predicted`. */
  readonly predictedVersion: Uint32Array | null;
  /** Expected nearness of each expert's next use, 0..1 (next-use/), including predictions if the policy uses them. Present if needed. */
  readonly expected: Float32Array | null;
  /** By MoE layer: changes whenever `expected` of the layer does. Present with `expected`. */
  readonly expectedVersion: Uint32Array | null;
  /** Gate weight of each member of the running event, summed over its tokens; zero for other experts of its layer. Present if needed. */
  readonly gates: Float32Array | null;
}

/** Next use of an expert that is not used again. */
export const NEVER = 0x7fffffff;

/** The contract of a cache policy: it ranks residents; the cache owns membership, capacity, pins. Ids are the cache's, [0, experts). */
export interface CachePolicy {
  /** A resident expert is used again. */
  touch(id: number): void;
  /** An expert has become resident (ghost lists live in here). @param used false: it is preloaded or prefetched, which is not a use */
  insert(id: number, used: boolean): void;
  /** A resident expert leaves. */
  remove(id: number): void;
  /** Expert to evict for `incoming` ({@link NONE}: the cache shrinks), never a pinned one; {@link NONE}: there is none. Looking settles nothing. */
  victim(incoming: number, pins: Pins): number;
  /** False: `incoming` is streamed rather than inserted in the place of `victim`. Absent: always admitted. */
  admits?(incoming: number, victim: number): boolean;
  /** True: `incoming` is streamed even if there is room for it (static placement). Absent: never. */
  bypasses?(incoming: number): boolean;
  /** The running event uses `id` without it becoming resident; for policies that count uses beyond residency. Absent: ignored. */
  streamed?(id: number): void;
  /** Experts that are resident before the first event (static placement), most wanted first; the cache takes those that fit. */
  preload?(): Iterable<number>;
  /** Changes the capacity in bytes, at most to the context's; calls for victims may follow. Absent: the policy does not depend on it. */
  resized?(capacityBytes: number): void;
}

/** Kinds of knowledge that a policy may need besides the demand. */
export type PolicyNeed = 'expected' | 'future' | 'popularity' | 'predicted' | 'weights';

/** One member of the family of policies; the default export of a policy file of the user's own has this shape too. */
export interface PolicyDefinition extends Member {
  /** Knowledge that the run must provide; the run fails early if it cannot. Absent: none. */
  readonly needs?: readonly PolicyNeed[];
  /** Knowledge that it needs with given parameters, if that is not always all of `needs`. */
  needsWith?(parameters: Parameters): readonly PolicyNeed[];
  /** Knowledge that it uses if the run has it. */
  readonly takes?: readonly PolicyNeed[];
  create(context: PolicyContext, parameters: Parameters): CachePolicy;
}

/** Knowledge that a policy needs with given parameters. */
export const policyNeeds = (definition: PolicyDefinition, parameters: Parameters): readonly PolicyNeed[] =>
  definition.needsWith?.(parameters) ?? definition.needs ?? [];

/** The level of knowledge of a policy (L17): the future if it needs it, else nothing. */
export function policyKnows(definition: PolicyDefinition, parameters: Parameters): Known {
  return { knows: policyNeeds(definition, parameters).includes('future') ? 'future' : 'nothing' };
}

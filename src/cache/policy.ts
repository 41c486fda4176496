import { type Member, memberOf, type Parameters } from '../base/parameters.js';
import type { Random } from '../base/random.js';
import type { Known } from '../result/knowledge.js';

/** No expert. */
export const NONE = -1;

/** Members of the running event, experts in flight, nearer predictions (L4, L11). */
export class Pins {
  /** By local id; a lower rank is more protected. {@link UNPINNED}: no protection. */
  readonly rank: Int32Array;
  /** Experts with a lower rank are pinned. 0 for a demand; the incoming expert's rank for a prefetch. */
  limit = 0;

  /** @param rank by local id, shared with the code that pins */
  constructor(rank: Int32Array) {
    this.rank = rank;
  }

  has(id: number): boolean {
    return this.rank[id]! < this.limit;
  }
}

/** Rank of a member of the running event, or of an expert in flight (L4). */
export const PINNED = -1;

/** Rank without a pin. */
export const UNPINNED = 0x7fffffff;

/** Replay position, written by the engine before policy calls. */
export interface Clock {
  /** Events judged so far; accesses in sequential replay. */
  event: number;
  pass: number;
  layer: number;
}

/** Fields without an entry in `needs` may be null. */
export interface PolicyContext {
  /** Ids are [0, experts). */
  readonly experts: number;
  readonly sizes: Float64Array;
  /** Initial capacity, also the largest. */
  readonly capacityBytes: number;
  readonly uniform: boolean;
  readonly layerOf: Uint16Array;
  readonly layers: number;
  readonly clock: Clock;
  readonly random: Random;
  /** Event of each expert's next use or {@link NEVER}, valid after an event with the expert. Present if needed. */
  readonly nextUse: Int32Array | null;
  /** Activations per expert in a profiling prefix or a popularity trace. Present if needed. */
  readonly popularity: Float64Array | null;
  /** Probability of demand per expert in the rest of the pass, or in the next pass if its layer is done. */
  readonly predicted: Float32Array | null;
  /** By MoE layer: changes with the layer's `predicted`. */
  readonly predictedVersion: Uint32Array | null;
  /** Nearness of each expert's next use, 0..1 (next-use/). Present if needed. */
  readonly expected: Float32Array | null;
  /** By MoE layer: changes with the layer's `expected`. */
  readonly expectedVersion: Uint32Array | null;
  /** Gate weight per member of the running event, summed over tokens; else zero. Present if needed. */
  readonly gates: Float32Array | null;
}

/** Next use of an expert without further use. */
export const NEVER = 0x7fffffff;

/** The policy ranks residents; the cache owns membership, capacity, pins. Ids are [0, experts). */
export interface CachePolicy {
  touch(id: number): void;
  /** @param used false: preloaded or prefetched, not a use */
  insert(id: number, used: boolean): void;
  remove(id: number): void;
  /**
   * Victim for `incoming` ({@link NONE}: the cache shrinks), never pinned; {@link NONE}: no victim. Changes no ranking.
   */
  victim(incoming: number, pins: Pins): number;
  /** False: `incoming` is streamed instead of replacing `victim`. Absent: always admitted. */
  admits?(incoming: number, victim: number): boolean;
  /** True: streamed even into a cache with room (static placement). Absent: never. */
  bypasses?(incoming: number): boolean;
  /** The running event streams `id`; for policies that count uses beyond residency. */
  streamed?(id: number): void;
  /** Residents before the first event (static placement), most wanted first, if they fit. */
  preload?(): Iterable<number>;
  /** Sets the capacity, bytes, at most the context's; calls for victims may follow. */
  resized?(capacityBytes: number): void;
  /**
   * Choices of the event to come, before its members are touched or inserted: `topK` ids a token in rank order, {@link
   * NONE} = none, overwritten by the next event.
   */
  demanded?(layer: number, chosen: Int32Array, tokens: number, topK: number): void;
}

/** Kinds of knowledge besides the demand. */
export type PolicyNeed = 'expected' | 'future' | 'popularity' | 'predicted' | 'weights';

/** A policy; also the default export of a user's file. */
export interface PolicyDefinition extends Member {
  /** Absent: none. */
  readonly needs?: readonly PolicyNeed[];
  /** Needs at given parameters, if fewer than `needs`. */
  needsWith?(parameters: Parameters): readonly PolicyNeed[];
  readonly takes?: readonly PolicyNeed[];
  /** Empty slots of a cache whose capacity is a size of memory, by choices of a token. Absent: none. */
  spare?(parameters: Parameters, topK: number): number;
  /**
   * Most tokens of a pass that changes the cache; the host awaits ids in each cached layer. Absent: no limit or wait.
   */
  readonly passTokens?: number;
  /** First MoE layers of the cache; later layers stay whole. 0 or absent: all. */
  cachedLayers?(parameters: Parameters): number;
  create(context: PolicyContext, parameters: Parameters): CachePolicy;
}

/** A policy from its definition. */
export const policy = memberOf<PolicyDefinition>();

/** Knowledge that a policy needs. */
export const policyNeeds = (definition: PolicyDefinition, parameters: Parameters): readonly PolicyNeed[] =>
  definition.needsWith?.(parameters) ?? definition.needs ?? [];

/** Knowledge level of a policy (L17). */
export function policyKnows(definition: PolicyDefinition, parameters: Parameters): Known {
  return { knows: policyNeeds(definition, parameters).includes('future') ? 'future' : 'nothing' };
}

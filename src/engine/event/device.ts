// A GPU with an expert cache: it judges the members of an event (L2), places its misses (L3, L5, L13) and executes it (L9). One object
// per GPU and run; nothing is allocated per event.
import type { CostModel } from '../../hardware/cost.js';
import type { ModelSpec } from '../../model/spec.js';
import type { MissAction } from '../../system/choices.js';
import { Prefetcher, type PrefetchParts } from '../prefetch/prefetcher.js';
import type { Link } from '../transfer/link.js';
import type { CachedTier } from '../transfer/tier.js';
import type { Observer } from '../watch/observer.js';
import type { Demand } from './demand.js';
import { DeviceEvent } from './event.js';
import { Evictions } from './evictions.js';
import { Execution } from './execute.js';
import { Judgement } from './judge.js';
import { Misses } from './place.js';
import type { Precision } from './precision.js';
import type { PhaseCounters, Recorder } from './recorder.js';

/** What a device is composed of. Arrays are indexed by dense id. */
export interface DeviceParts {
  readonly model: ModelSpec;
  readonly cost: CostModel;
  readonly gpu: CachedTier;
  /** DRAM as a cache of the SSD; null where it holds every expert, or where there is none. */
  readonly dram: CachedTier | null;
  /** Prices the write-back of evicted experts on a link of its own direction (L14, exclusive tiers); null: nothing moves. */
  readonly writeBack: Link | null;
  readonly onMiss: MissAction;
  /** Serves misses that matter little from smaller copies; null: all misses are served in full. */
  readonly precision: Precision | null;
  /** True where the run prefetches, so that a member may be late. */
  readonly prefetches: boolean;
  readonly recorder: Recorder;
  readonly sizes: Float64Array;
  readonly layerOf: Uint16Array;
  /** 1 for experts that were ever demanded. */
  readonly seen: Uint8Array;
}

/** How a device prefetches. */
export type PrefetchSetup = Pick<PrefetchParts, 'predictor' | 'limits' | 'scores' | 'outlook' | 'adaptive'>;

/** One GPU. Its parts are called by the engine in the order in which they stand here. */
export class Device {
  readonly gpu: CachedTier;
  readonly judgement: Judgement;
  readonly misses: Misses;
  readonly execution: Execution;
  readonly evictions: Evictions;
  /** The running event. */
  readonly event: DeviceEvent;
  readonly #parts: DeviceParts;

  /** @param demand what events demand of this GPU, filled anew for every event */
  constructor(parts: DeviceParts, demand: Demand) {
    this.#parts = parts;
    this.gpu = parts.gpu;
    this.event = new DeviceEvent(demand, parts.cost.cpuQueues);
    this.evictions = new Evictions(parts);
    this.judgement = new Judgement(parts, this.event);
    this.misses = new Misses(parts, this.event, this.evictions);
    this.execution = new Execution(parts, this.event);
  }

  /** Lets somebody watch from now on. */
  observe(observer: Observer): void {
    const { gpu, writeBack } = this.#parts;
    for (const part of [this.judgement, this.misses, this.execution, this.evictions]) part.observer = observer;
    for (const link of [gpu.link, writeBack]) if (link !== null) link.observer = observer;
  }

  /** Who plans prefetches for this GPU from now on, and is told what leaves it. */
  prefetcher(setup: PrefetchSetup): Prefetcher {
    const { evictions } = this;
    const evicted = (nowNs: number): number => {
      evictions.slotFreeNs = nowNs;
      evictions.account(nowNs);
      return evictions.slotFreeNs;
    };
    evictions.prefetcher = new Prefetcher({ ...setup, ...this.#parts, evicted });
    return evictions.prefetcher;
  }

  /**
   * Changes the capacity of the cache between two passes.
   * @returns when the memory that it gives up is free, ns
   */
  resize(capacityBytes: number, nowNs: number): number {
    const { evictions } = this;
    evictions.slotFreeNs = this.gpu.resize(capacityBytes, nowNs);
    evictions.account(evictions.slotFreeNs);
    return evictions.slotFreeNs;
  }

  /** What follows is counted under `phase`. */
  count(phase: PhaseCounters): void {
    this.judgement.phase = phase;
    this.misses.phase = phase;
    this.evictions.phase = phase;
  }
}

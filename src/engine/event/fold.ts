import type { Pass } from '../../schedule/door.js';
import type { Observer } from '../transfer/observer.js';
import type { RunningEvent } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';
import { type Hooks, having } from '../vocabulary/hooks.js';
import type { Executor } from './execute.js';
import type { Judge } from './judge.js';
import type { Evictions, Misses } from './place.js';

/** Parts of a GPU's fold. */
export interface FoldParts {
  readonly gpu: Gpu;
  readonly event: RunningEvent;
  readonly judge: Judge;
  readonly misses: Misses;
  readonly executor: Executor;
  readonly evictions: Evictions;
}

/** Fold of events on a GPU, called at known routings and events' ends. */
export class EventFold {
  readonly gpu: Gpu;
  readonly event: RunningEvent;
  protected readonly judge: Judge;
  protected readonly misses: Misses;
  protected readonly executor: Executor;
  readonly #evictions: Evictions;
  /** Passes of earlier text. */
  readonly #earlier: number;

  constructor({ event, evictions, executor, gpu, judge, misses }: FoldParts) {
    this.gpu = gpu;
    this.event = event;
    this.judge = judge;
    this.misses = misses;
    this.executor = executor;
    this.#evictions = evictions;
    this.#earlier = gpu.clock.pass;
  }

  observe(observer: Observer): void {
    this.event.observer = observer;
    this.gpu.gpu.link.observer = observer;
  }

  begin(pass: Pass, _startNs: number): void {
    this.gpu.clock.pass = this.#earlier + pass.number;
    this.event.begin(pass);
  }

  /** L12: a layer's routing, the event's demand, is known at `nowNs`. */
  known(_pass: Pass, layer: number, _nowNs: number): void {
    this.gpu.clock.layer = layer;
  }

  /** Starts transfers due before `untilNs`. @param routing true: a routing became known; false: an event ended */
  advance(_untilNs: number, _routing: boolean): void {}

  /** An event of the demand; sets start and end of `event`. @param last true: the layer's last in the pass */
  run(_pass: Pass, layer: number, startNs: number, _last: boolean): void {
    const { event } = this;
    const { size } = event.demand;
    this.gpu.clock.event++;
    event.startNs = startNs;
    this.judge.judge(layer, size);
    if (event.misses > 0) this.misses.place(layer, size);
    else this.gpu.gpu.serve(event.demand.ids, size, layer);
    this.executor.execute(layer);
  }

  /** A layer without demand. */
  idle(_pass: Pass, _layer: number, _nowNs: number): void {}

  /** L4: unpins the members. */
  ended(_nowNs: number): void {
    const { ids, size } = this.event.demand;
    this.gpu.gpu.unpinAll(ids, size);
  }

  passEnded(_durationNs: number): void {}

  /** Resizes the cache between two passes. @returns time at which released memory is free, ns */
  resize(capacityBytes: number, nowNs: number): number {
    return this.#evictions.free(this.gpu.gpu.resize(capacityBytes, nowNs));
  }
}

/** Fold with hooks, or with DRAM as a cache. */
export class HookedFold extends EventFold {
  readonly #hooks: readonly Hooks[];
  readonly #always: boolean;
  readonly #known;
  readonly #learned;
  readonly #advance;
  readonly #demanded;
  readonly #judged;
  readonly #placed;
  readonly #executed;
  readonly #ending;
  readonly #ended;

  /** @param always true: events without a miss are placed too */
  constructor(parts: FoldParts, hooks: readonly Hooks[], always: boolean) {
    super(parts);
    this.#hooks = hooks;
    this.#always = always;
    this.#known = having(hooks, 'known');
    this.#learned = having(hooks, 'learned');
    this.#advance = having(hooks, 'advance');
    this.#demanded = having(hooks, 'demanded');
    this.#judged = having(hooks, 'judged');
    this.#placed = having(hooks, 'placed');
    this.#executed = having(hooks, 'executed');
    this.#ending = having(hooks, 'ending');
    this.#ended = having(hooks, 'ended');
  }

  override observe(observer: Observer): void {
    super.observe(observer);
    const { dram } = this.gpu;
    if (dram !== null) dram.link.observer = observer;
    for (const hook of this.#hooks) hook.observe?.(observer);
  }

  override begin(pass: Pass, startNs: number): void {
    super.begin(pass, startNs);
    for (const hook of this.#hooks) hook.passBegan?.(pass, startNs);
  }

  override known(pass: Pass, layer: number, nowNs: number): void {
    super.known(pass, layer, nowNs);
    const { ids, size } = this.event.demand;
    this.advance(nowNs, true);
    for (const hook of this.#known) hook.known(pass, layer, ids, size, nowNs);
    for (const hook of this.#learned) hook.learned(pass, layer, nowNs);
  }

  override advance(untilNs: number, routing: boolean): void {
    for (const hook of this.#advance) hook.advance(untilNs, routing);
  }

  override run(pass: Pass, layer: number, startNs: number, last: boolean): void {
    const { event } = this;
    const { gpu } = this.gpu;
    const { ids, size } = event.demand;
    this.gpu.clock.event++;
    event.startNs = startNs;
    for (const hook of this.#demanded) hook.demanded(layer, ids, size);
    this.judge.judge(layer, size);
    for (const hook of this.#judged) hook.judged(event, layer);
    if (event.misses > 0 || this.#always) this.misses.place(layer, size);
    else gpu.serve(ids, size, layer);
    if (last) for (const hook of this.#placed) hook.placed(pass, layer, event.startNs);
    this.executor.execute(layer);
    for (const hook of this.#executed) hook.executed(event, layer);
  }

  override idle(pass: Pass, layer: number, nowNs: number): void {
    for (const hook of this.#placed) hook.placed(pass, layer, nowNs);
  }

  override ended(nowNs: number): void {
    const { dram } = this.gpu;
    const { ids, size } = this.event.demand;
    this.advance(nowNs, false);
    for (const hook of this.#ending) hook.ending(ids, size, nowNs);
    super.ended(nowNs);
    dram?.unpinAll(ids, size);
    for (const hook of this.#ended) hook.ended(nowNs);
  }

  override passEnded(durationNs: number): void {
    for (const hook of this.#hooks) hook.passEnded?.(durationNs);
  }
}

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

/** Fold of events on a GPU, called at known routings and events' ends. Hooks, if any, see demands alone. */
export class EventFold {
  readonly gpu: Gpu;
  readonly event: RunningEvent;
  protected readonly judge: Judge;
  protected readonly misses: Misses;
  protected readonly executor: Executor;
  readonly #evictions: Evictions;
  /** Passes of earlier text. */
  readonly #earlier: number;
  /** True: `known` reads the demand. */
  readonly listens: boolean = false;
  protected readonly demanded: readonly Required<Pick<Hooks, 'demanded'>>[];

  /** @param hooks of demand alone */
  constructor({ event, evictions, executor, gpu, judge, misses }: FoldParts, hooks: readonly Hooks[]) {
    this.demanded = having(hooks, 'demanded');
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
    const { cost, gpu } = this.gpu;
    cost.beginPass(pass.tokens);
    gpu.link.laterNs = pass.tokens > cost.awaitingTokens ? cost.unqueuedNs : 0;
  }

  /** L12: a layer's routing, the event's demand, is known at `nowNs`. */
  known(_pass: Pass, layer: number, _nowNs: number): void {
    this.gpu.clock.layer = layer;
  }

  /** Starts transfers due before `untilNs`. @param routing true: a routing became known; false: an event ended */
  advance(_untilNs: number, _routing: boolean): void {}

  /** An event of the demand; sets start and end of `event`. @param last true: the layer's last in the pass */
  run(_pass: Pass, layer: number, startNs: number, _last: boolean): void {
    const { demanded, event } = this;
    const { ids, size } = event.demand;
    this.gpu.clock.event++;
    event.startNs = startNs;
    for (let h = 0; h < demanded.length; h++) demanded[h]!.demanded(layer, ids, size);
    this.judge.judge(layer, size);
    if (event.misses > 0) this.misses.place(layer, size);
    else this.gpu.gpu.serve(ids, size, layer);
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

/** Hooks called by a {@link HookedFold} alone. */
const FOLLOWING = [
  ...(['observe', 'passBegan', 'known', 'learned', 'advance', 'judged'] as const),
  ...(['placed', 'executed', 'ending', 'ended', 'passEnded'] as const),
];

/** True for hooks that need a {@link HookedFold}. */
export const followsEvents = (hook: Hooks): boolean => FOLLOWING.some((name) => hook[name] !== undefined);

/** Fold with hooks, or with DRAM as a cache. */
export class HookedFold extends EventFold {
  override readonly listens = true;
  readonly #hooks: readonly Hooks[];
  readonly #always: boolean;
  readonly #known;
  readonly #learned;
  readonly #advance;
  readonly #judged;
  readonly #placed;
  readonly #executed;
  readonly #ending;
  readonly #ended;

  /** @param always true: events without a miss are placed too */
  constructor(parts: FoldParts, hooks: readonly Hooks[], always: boolean) {
    super(parts, hooks);
    this.#hooks = hooks;
    this.#always = always;
    this.#known = having(hooks, 'known');
    this.#learned = having(hooks, 'learned');
    this.#advance = having(hooks, 'advance');
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
    const known = this.#known;
    for (let h = 0; h < known.length; h++) known[h]!.known(pass, layer, ids, size, nowNs);
    const learned = this.#learned;
    for (let h = 0; h < learned.length; h++) learned[h]!.learned(pass, layer, nowNs);
  }

  override advance(untilNs: number, routing: boolean): void {
    const advance = this.#advance;
    for (let h = 0; h < advance.length; h++) advance[h]!.advance(untilNs, routing);
  }

  override run(pass: Pass, layer: number, startNs: number, last: boolean): void {
    const { event } = this;
    const { gpu } = this.gpu;
    const { ids, size } = event.demand;
    this.gpu.clock.event++;
    event.startNs = startNs;
    const { demanded } = this;
    for (let h = 0; h < demanded.length; h++) demanded[h]!.demanded(layer, ids, size);
    this.judge.judge(layer, size);
    const judged = this.#judged;
    for (let h = 0; h < judged.length; h++) judged[h]!.judged(event, layer);
    if (event.misses > 0 || this.#always) this.misses.place(layer, size);
    else gpu.serve(ids, size, layer);
    if (last) for (const hook of this.#placed) hook.placed(pass, layer, event.startNs);
    this.executor.execute(layer);
    const executed = this.#executed;
    for (let h = 0; h < executed.length; h++) executed[h]!.executed(event, layer);
  }

  override idle(pass: Pass, layer: number, nowNs: number): void {
    for (const hook of this.#placed) hook.placed(pass, layer, nowNs);
  }

  override ended(nowNs: number): void {
    const { dram } = this.gpu;
    const { ids, size } = this.event.demand;
    this.advance(nowNs, false);
    const ending = this.#ending;
    for (let h = 0; h < ending.length; h++) ending[h]!.ending(ids, size, nowNs);
    super.ended(nowNs);
    dram?.unpinAll(ids, size);
    const ended = this.#ended;
    for (let h = 0; h < ended.length; h++) ended[h]!.ended(nowNs);
  }

  override passEnded(durationNs: number): void {
    for (const hook of this.#hooks) hook.passEnded?.(durationNs);
  }
}

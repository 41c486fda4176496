import { BEFORE_PASS } from '../../predict/evidence.js';
import type { Pass } from '../../schedule/door.js';
import type { PrefetchSetup } from '../lookahead/setup.js';
import type { Observer } from '../transfer/observer.js';
import type { Staging } from '../transfer/staging.js';
import type { CachedTier } from '../transfer/tier.js';
import type { RunningEvent } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';
import type { Hooks } from '../vocabulary/hooks.js';
import { Forecast } from './forecast.js';
import type { IdleWork, Planner } from './idle-work.js';
import { MissCost } from './miss-cost.js';
import { NextPass } from './next-pass.js';
import { PrefetchPlan } from './plan.js';
import { PrefetchStarts } from './starts.js';
import { PrefetchWorth } from './worth.js';

/** L11, L12: layers to plan, and when. Expectations: forecast.ts; order: plan.ts; transfers: starts.ts. */
export class Prefetcher implements Planner, Hooks {
  #observer: Observer | null = null;
  readonly #gpu: Gpu;
  /** Null: prefetches take cache slots. */
  readonly #staging: Staging | null;
  /** Transfers on links left idle by the plan. */
  readonly #idle: readonly IdleWork[];
  readonly #setup: PrefetchSetup;
  readonly #forecast: Forecast;
  readonly #plan: PrefetchPlan;
  /** Null: every expert is brought. */
  readonly #worth: PrefetchWorth | null;
  readonly #missCost: MissCost | null;
  readonly #starts: PrefetchStarts;
  /** Null: no predictions of the next pass. */
  readonly #nextPass: NextPass | null;
  #nextLayer = 0;
  #totals = { bytes: 0, useful: 0, late: 0, wasted: 0 };

  /** @param evicted after every admission to the GPU; returns when the victims' slot is free, ns */
  constructor(gpu: Gpu, setup: PrefetchSetup, evicted: (nowNs: number) => number, staging: Staging | null, idle: readonly IdleWork[]) {
    this.#gpu = gpu;
    this.#staging = staging;
    this.#idle = idle;
    this.#setup = setup;
    this.#forecast = new Forecast(gpu, setup);
    this.#plan = new PrefetchPlan(gpu);
    const pays = setup.limits.when === 'pays';
    this.#worth = pays ? new PrefetchWorth() : null;
    this.#missCost = pays ? new MissCost(gpu) : null;
    const { chances } = this.#forecast;
    this.#starts = new PrefetchStarts(gpu, setup, this.#plan, chances, this.#worth, this.#missCost, evicted, staging);
    this.#nextPass = this.#starts.nextPass = setup.limits.across === true ? new NextPass(gpu, setup) : null;
  }

  /**
   * A pass begins, drafting from `startNs` on. Plans after drafting, or each draft step if the predictor hears drafts.
   */
  passBegan(pass: Pass, startNs: number): void {
    const { draftNs, draftSteps } = pass;
    const steps = this.#setup.predictor.drafts === true ? Math.max(1, draftSteps) : 1;
    if (this.#worth !== null) this.#startUntil(startNs, this.#worth.nextNs(startNs));
    this.#gpu.recorder.prefetchCancelled += this.#plan.clear();
    this.#forecast.begin();
    this.#starts.routed = -1;
    for (let step = 1; step <= steps; step++) {
      const atNs = step === steps ? startNs + draftNs : startNs + (draftNs * step) / steps;
      pass.drafted = step === steps ? draftSteps : step;
      if (step > 1) {
        this.advance(atNs, true);
        this.#gpu.recorder.prefetchCancelled += this.#plan.clear();
      }
      this.#nextLayer = 0;
      this.#extend(pass, -1, atNs);
    }
  }

  /** `demand[0..size)` of `layer`: ends the layer's plan, cancels experts not demanded, judges the prediction. */
  known(pass: Pass, layer: number, demand: Int32Array, size: number, nowNs: number): void {
    this.#worth?.known(nowNs, layer === 0);
    this.#setup.budget?.known();
    this.#starts.routed = layer;
    this.#forecast.judge(layer, demand, size);
    this.#nextPass?.known(pass, layer, demand, size);
    if (this.#setup.limits.cancel === false) this.#starts.carryThrough(layer, nowNs);
    this.#staging?.known(layer, demand, size, this.#gpu.gpu.arrivalNs, nowNs);
    for (let i = 0; i < size; i++) this.#plan.satisfied(demand[i]!);
    this.#gpu.recorder.prefetchCancelled += this.#plan.dropUntil(layer);
  }

  judged(event: RunningEvent): void {
    this.#missCost?.judged(event);
  }

  observe(observer: Observer): void {
    this.#observer = observer;
  }

  learned(pass: Pass, layer: number, nowNs: number): void {
    this.#forecast.observe(pass, layer);
    this.#nextPass?.predict(pass, layer, nowNs);
  }

  ended(nowNs: number): void {
    this.#worth?.ended(nowNs);
    this.#plan.retry(nowNs);
  }

  /** After placing `layer`'s demands: plans up to the horizon. */
  placed(pass: Pass, layer: number, nowNs: number): void {
    const { gpu, recorder } = this.#gpu;
    this.#worth?.placed(gpu.link.demands);
    if (this.#setup.limits.correction) {
      recorder.prefetchCancelled += this.#plan.clear();
      this.#nextLayer = layer + 1;
    }
    const last = layer === this.#gpu.model.layers.length - 1;
    if (this.#worth !== null && last) this.#planNext(pass, nowNs);
    else this.#extend(pass, layer, nowNs);
  }

  /** Plans the last victims again, from `nowNs` on. */
  evicted(nowNs: number): number {
    this.#plan.lost(this.#gpu.gpu, nowNs);
    return 0;
  }

  lostByDram(dram: CachedTier, nowNs: number): void {
    this.#plan.lost(dram, nowNs);
  }

  passEnded(durationNs: number): void {
    const { gpu, model, recorder } = this.#gpu;
    const { adaptive } = this.#setup;
    if (adaptive === null) return;
    const bytes = gpu.link.demandBytes + gpu.link.prefetchBytes;
    const { prefetchLate: late, prefetchUseful: useful, prefetchWasted: wasted } = recorder;
    const before = this.#totals;
    adaptive.ended({
      durationNs,
      layers: model.layers.length,
      bytes: bytes - before.bytes,
      useful: useful - before.useful,
      late: late - before.late,
      wasted: wasted - before.wasted,
    });
    this.#totals = { bytes, useful, late, wasted };
  }

  /** Starts planned transfers before `untilNs`. @param routing true: next routing known then; false: an event's end */
  advance(untilNs: number, routing: boolean): void {
    const last = this.#starts.routed === BEFORE_PASS;
    this.#startUntil(untilNs, routing || this.#worth === null ? untilNs : this.#worth.nextNs(untilNs, last));
  }

  /** @param nextNs expected time of the next routing, ns */
  #startUntil(untilNs: number, nextNs: number): void {
    this.#starts.nextRoutingNs = nextNs;
    const { dram, gpu } = this.#gpu;
    for (const work of this.#idle) work.advance(untilNs, this);
    this.#starts.before(untilNs, false);
    gpu.settle(untilNs);
    dram?.settle(untilNs);
  }

  through(untilNs: number): void {
    this.#starts.before(untilNs, true);
  }

  brought(id: number): void {
    this.#plan.satisfied(id);
  }

  get #horizon(): number {
    return this.#setup.adaptive?.layers ?? this.#setup.limits.horizon;
  }

  /** After a pass's last layer, if prefetches must pay: plans first layers of the next pass. */
  #planNext(pass: Pass, nowNs: number): void {
    const layers = Math.min(this.#gpu.model.layers.length, this.#horizon);
    const knownNs = this.#forecast.next(pass, layers, nowNs);
    if (Number.isNaN(knownNs)) return;
    this.#starts.routed = BEFORE_PASS;
    this.#nextLayer = 0;
    this.#planLayers(pass, BEFORE_PASS, layers - 1, nowNs, knownNs);
  }

  #extend(pass: Pass, after: number, nowNs: number): void {
    const last = Math.min(this.#gpu.model.layers.length - 1, after + this.#horizon);
    if (this.#nextLayer <= after) this.#nextLayer = after + 1;
    if (this.#nextLayer <= last) {
      const knownNs = this.#forecast.predict(pass, after, last, nowNs);
      this.#planLayers(pass, after, last, nowNs, knownNs);
      this.#nextLayer = last + 1;
    }
    this.#nextPass?.again(this.#nextLayer, after);
  }

  /** Plans layers up to `last`. Each layer is predicted at the network's answer, the last by `knownNs`. */
  #planLayers(pass: Pass, after: number, last: number, nowNs: number, knownNs: number): void {
    const { time } = this.#setup;
    const fromNs = Math.max(nowNs, knownNs - time.ns(pass.tokens, after, last));
    for (let layer = this.#nextLayer; layer <= last; layer++)
      this.#planLayer(layer, nowNs, Math.min(knownNs, fromNs + time.ns(pass.tokens, after, layer)));
  }

  #planLayer(layer: number, nowNs: number, knownNs: number): void {
    const { limits } = this.#setup;
    const { chances, ranking } = this.#forecast;
    const { ids } = ranking;
    const { base, resident } = this.#gpu.gpu.byLayer[layer]!;
    const plan = this.#plan;
    const staging = this.#staging;
    const first = layer * ranking.width;
    const end = first + Math.min(this.#forecast.rank(layer), limits.perLayer);
    for (let at = first; at < end; at++) {
      const id = ids[at]!;
      if (chances[id]! < limits.minProbability) break;
      let waits = 1 - resident[id - base]!;
      if (staging !== null && staging.held[id] === 1) {
        waits = 0;
        staging.wanted(id);
      }
      plan.add(id, knownNs, waits);
      if (this.#observer !== null && waits === 1) this.#observer.planned(id, nowNs, knownNs - nowNs);
    }
  }
}

import { percentile } from '../../base/statistics.js';
import type { ModelSpec } from '../../model/door.js';
import type { Details, LinkSeries } from '../../result/details.js';
import type { Simulation } from '../compose/simulation.js';
import { IDLE, type Link } from '../transfer/link.js';
import { Onlooker } from '../transfer/observer.js';
import { capacityCurve } from '../vocabulary/capacity-curve.js';
import { CauseRecorder, rounded } from './causes.js';
import type { Latencies } from './latency.js';

/** Even; more than a screen resolves, for zooming. Ours. */
const BINS = 1000;
/** Initial width of a bin, ns. Ours. */
const FIRST_BIN_NS = 1000;
/** Most latency samples kept with percentiles. Ours. */
const FEW = 24;

class Bins {
  readonly values = new Float64Array(BINS);

  fold(): void {
    for (let bin = 0; bin < BINS; bin++) this.values[bin] = 2 * bin + 1 < BINS ? this.values[2 * bin]! + this.values[2 * bin + 1]! : 0;
  }

  spread(startNs: number, endNs: number, binNs: number, sign = 1): void {
    for (let bin = Math.floor(startNs / binNs); bin < BINS && bin * binNs < endNs; bin++)
      this.values[bin]! += sign * (Math.min(endNs, (bin + 1) * binNs) - Math.max(startNs, bin * binNs));
  }
}

/** @param host true: the link fills a GPU */
function linkBins(link: Link, name: string, host: boolean) {
  const { lanes } = link;
  // By lane: last interruptible prefetch: expert, start and end, ns.
  const prefetching = new Int32Array(lanes).fill(IDLE);
  const last = { prefetching, prefetchStartNs: new Float64Array(lanes), prefetchEndNs: new Float64Array(lanes) };
  return { link, name, host, lanes, demand: new Bins(), prefetch: new Bins(), ...last } as const;
}

type LinkBins = ReturnType<typeof linkBins>;

/** Loads by expert, series over time in bins doubling in width as the run grows. */
export class DetailsRecorder extends Onlooker {
  readonly #model: ModelSpec;
  readonly #simulation: Simulation;
  readonly #loads: Float64Array;
  readonly #causes: CauseRecorder;
  readonly #links: LinkBins[] = [];
  readonly #hits = new Bins();
  readonly #late = new Bins();
  readonly #misses = new Bins();
  readonly #stall = new Bins();
  #binNs = FIRST_BIN_NS;

  constructor(model: ModelSpec, simulation: Simulation, tiers: readonly string[]) {
    super();
    const { gpus } = simulation;
    this.#model = model;
    this.#simulation = simulation;
    this.#loads = new Float64Array(model.experts);
    this.#causes = new CauseRecorder(model, tiers, gpus);
    for (const [g, { dram, gpu }] of gpus.entries()) {
      const named = (link: Link): string => (gpus.length > 1 ? `GPU ${g} ${link.name}` : link.name);
      this.#open(gpu.link, named(gpu.link), true);
      if (dram !== null) this.#open(dram.link, named(dram.link), false);
    }
  }

  override dense(): void {
    this.#causes.dense();
  }

  override prefetchUsed(id: number, late: boolean, gpu?: number): void {
    this.#causes.prefetchUsed(id, late, gpu);
  }

  override evicted(id: number, layer: number, nowNs: number, gpu?: number): void {
    this.#causes.evicted(id, layer, nowNs, gpu);
  }

  override judged(layer: number, hits: number, late: number, misses: number, nowNs: number): void {
    this.#causes.judged(layer, hits, late, misses, nowNs);
    this.#reach(nowNs);
    const bin = Math.floor(nowNs / this.#binNs);
    this.#hits.values[bin]! += hits;
    this.#late.values[bin]! += late;
    this.#misses.values[bin]! += misses;
  }

  override stalled(id: number, layer: number, startNs: number, endNs: number, gpu?: number): void {
    this.#causes.stalled(id, layer, startNs, endNs, gpu);
    this.#reach(endNs);
    this.#stall.spread(startNs, endNs, this.#binNs, 1 / this.#simulation.gpus.length);
  }

  override transferred(link: Link, lane: number, id: number, bytes: number, startNs: number, endNs: number, prefetch: boolean): void {
    this.#causes.transferred(link, lane, id, bytes, startNs, endNs, prefetch);
    const bins = this.#linkBins(link);
    const again = prefetch && this.#lost(bins, id);
    if (!again && bins.host) this.#loads[id]!++;
    // Only prefetches yield.
    if (prefetch && link.prefetching[lane] === id) {
      this.#reach(endNs);
      bins.prefetch.spread(startNs, endNs, this.#binNs);
      bins.prefetching[lane] = id;
      bins.prefetchStartNs[lane] = startNs;
      bins.prefetchEndNs[lane] = endNs;
      return;
    }
    const before = bins.prefetchEndNs[lane]!;
    const after = startNs < before ? before + endNs - startNs : before;
    this.#reach(Math.max(endNs, after));
    if (startNs < before) {
      // Inserted between two chunks of a prefetch: the rest moves on.
      bins.prefetch.spread(startNs, before, this.#binNs, -1);
      bins.prefetch.spread(endNs, after, this.#binNs);
      bins.prefetchEndNs[lane] = after;
    }
    (prefetch ? bins.prefetch : bins.demand).spread(startNs, endNs, this.#binNs);
  }

  details(latencies: Latencies): Details {
    const endNs = this.#simulation.engine.nowNs;
    const count = Math.min(BINS, Math.max(1, Math.ceil(endNs / this.#binNs)));
    for (const bins of this.#links) this.#cut(bins, endNs);
    const column = (bins: Bins): number[] => Array.from(bins.values.subarray(0, count), rounded);
    const latency: Record<string, number[]> = {};
    const samples: Record<string, number[]> = {};
    for (const name of ['pass', 'itl', 'tpot', 'ttft'] as const) {
      const sorted = Float64Array.from(latencies[name].values()).sort();
      if (sorted.length > 0) latency[name] = Array.from({ length: 101 }, (_, percent) => rounded(percentile(sorted, percent)));
      if (sorted.length > 0 && sorted.length <= FEW) samples[name] = Array.from(sorted, rounded);
    }
    return {
      loads: this.#model.layers.map(({ offset, experts }) => Array.from(this.#loads.subarray(offset, offset + experts))),
      latency,
      samples,
      series: {
        binNs: this.#binNs,
        hits: column(this.#hits),
        late: column(this.#late),
        misses: column(this.#misses),
        stallNs: column(this.#stall),
        links: this.#links.map(
          ({ name, lanes, demand, prefetch }): LinkSeries => ({ name, lanes, demandNs: column(demand), prefetchNs: column(prefetch) }),
        ),
      },
      capacity: capacityCurve(this.#simulation.gpus),
      causes: this.#causes.causes(),
    };
  }

  /** @returns false: no prefetch of expert `id` on a lost lane */
  #lost(bins: LinkBins, id: number): boolean {
    const { link, prefetchEndNs, prefetching } = bins;
    for (let lane = 0; lane < prefetching.length; lane++) {
      const lostNs = link.freeNs(lane);
      if (prefetching[lane] !== id || prefetchEndNs[lane]! <= lostNs) continue;
      this.#end(bins, lane, lostNs);
      return true;
    }
    return false;
  }

  /** Ends a lane's prefetch at `atNs`; transfers between its chunks stay. */
  #end({ link, prefetch, prefetchEndNs, prefetching, prefetchStartNs }: LinkBins, lane: number, atNs: number): void {
    const endNs = prefetchEndNs[lane]!;
    const fromNs = Math.max(atNs, prefetchStartNs[lane]!);
    if (endNs > fromNs) prefetch.spread(fromNs, endNs, this.#binNs, -1);
    for (const copy of link.placed.within(lane, fromNs, endNs)) prefetch.spread(Math.max(fromNs, copy.startNs), copy.endNs, this.#binNs);
    prefetching[lane] = IDLE;
    prefetchEndNs[lane] = 0;
  }

  /** Removes transfers cut by the run's end: prefetches, or write-backs without a waiter. */
  #cut(bins: LinkBins, endNs: number): void {
    const { demand, link, prefetch } = bins;
    const under = link.prefetches > 0 ? prefetch : demand;
    for (let lane = 0; lane < link.lanes; lane++) {
      const freeNs = link.freeNs(lane);
      const placed = link.placed.within(lane, endNs, Number.POSITIVE_INFINITY);
      if (placed.length > 0) this.#end(bins, lane, endNs);
      else if (freeNs > endNs) under.spread(Math.max(endNs, link.sinceNs(lane)), freeNs, this.#binNs, -1);
      for (const copy of placed) prefetch.spread(Math.max(endNs, copy.startNs), copy.endNs, this.#binNs, -1);
    }
  }

  /** A link into no GPU writes back. */
  #linkBins(link: Link): LinkBins {
    for (const bins of this.#links) if (bins.link === link) return bins;
    return this.#open(link, `${link.name} write-back`, false);
  }

  #open(link: Link, name: string, host: boolean): LinkBins {
    const bins = linkBins(link, name, host);
    this.#links.push(bins);
    return bins;
  }

  #reach(ns: number): void {
    while (ns >= this.#binNs * BINS) {
      this.#binNs *= 2;
      for (const bins of [this.#hits, this.#late, this.#misses, this.#stall]) bins.fold();
      for (const { demand, prefetch } of this.#links) {
        demand.fold();
        prefetch.fold();
      }
    }
  }
}

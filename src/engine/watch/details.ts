// Records what only pictures need, in memory that does not grow with the run: loads by expert, and series over simulated time whose
// bins double in width whenever the run outgrows them.
import { percentile } from '../../base/statistics.js';
import type { Scope } from '../../cache/scope.js';
import type { ModelSpec } from '../../model/spec.js';
import type { Details, LinkSeries } from '../../result/details.js';
import type { Simulation } from '../simulation.js';
import { IDLE, type Link } from '../transfer/link.js';
import { capacityCurve } from './capacity-curve.js';
import type { Latencies } from './latency.js';
import type { Observer } from './observer.js';

/** Most bins of a series, even: more than a screen can show apart, so that a chart can be zoomed. */
const BINS = 1000;
/** Width of a bin at the start, ns. */
const FIRST_BIN_NS = 1000;
/** Most samples of a latency that are kept as they are, beside their percentiles. */
const FEW = 24;

/** A quantity over time. */
class Bins {
  readonly values = new Float64Array(BINS);

  /** Two bins become one. */
  fold(): void {
    for (let bin = 0; bin < BINS; bin++) {
      this.values[bin] = 2 * bin + 1 < BINS ? this.values[2 * bin]! + this.values[2 * bin + 1]! : 0;
    }
  }

  /** Adds `sign` times the part of `[startNs, endNs)` that each bin holds. */
  spread(startNs: number, endNs: number, binNs: number, sign = 1): void {
    for (let bin = Math.floor(startNs / binNs); bin < BINS && bin * binNs < endNs; bin++) {
      this.values[bin]! += sign * (Math.min(endNs, (bin + 1) * binNs) - Math.max(startNs, bin * binNs));
    }
  }
}

/** Occupancy of one link. */
interface LinkBins {
  readonly name: string;
  readonly lanes: number;
  readonly demand: Bins;
  readonly prefetch: Bins;
  /** The last prefetch of each lane, and when it ends, ns. */
  readonly prefetching: Int32Array;
  readonly prefetchEndNs: Float64Array;
}

/** Records the details of one run. */
export class DetailsRecorder implements Observer {
  readonly #model: ModelSpec;
  readonly #simulation: Simulation;
  readonly #loads: Float64Array;
  readonly #links = new Map<Link, LinkBins>();
  /** Links into GPUs. */
  readonly #hostLinks = new Set<Link>();
  readonly #hits = new Bins();
  readonly #late = new Bins();
  readonly #misses = new Bins();
  readonly #stall = new Bins();
  #binNs = FIRST_BIN_NS;

  constructor(model: ModelSpec, simulation: Simulation) {
    this.#model = model;
    this.#simulation = simulation;
    this.#loads = new Float64Array(model.experts);
    const several = simulation.gpus.length > 1;
    for (const [g, { dram, gpu }] of simulation.gpus.entries()) {
      this.#hostLinks.add(gpu.link);
      for (const link of [gpu.link, dram?.link]) if (link !== undefined) this.#open(link, several ? `GPU ${g} ${link.name}` : link.name);
    }
  }

  judged(_layer: number, hits: number, late: number, misses: number, nowNs: number): void {
    this.#reach(nowNs);
    const bin = Math.floor(nowNs / this.#binNs);
    this.#hits.values[bin]! += hits;
    this.#late.values[bin]! += late;
    this.#misses.values[bin]! += misses;
  }

  stalled(_id: number, _layer: number, startNs: number, endNs: number): void {
    this.#reach(endNs);
    // Of a GPU on average.
    this.#stall.spread(startNs, endNs, this.#binNs, 1 / this.#simulation.gpus.length);
  }

  transferred(link: Link, lane: number, id: number, _bytes: number, startNs: number, endNs: number, prefetch: boolean): void {
    const bins = this.#linkBins(link);
    const again = prefetch && this.#lost(link, bins, id);
    if (!again && this.#hostLinks.has(link)) this.#loads[id]!++;
    if (prefetch && !again) {
      this.#reach(endNs);
      bins.prefetch.spread(startNs, endNs, this.#binNs);
      bins.prefetching[lane] = id;
      bins.prefetchEndNs[lane] = endNs;
      return;
    }
    const before = bins.prefetchEndNs[lane]!;
    const after = startNs < before ? before + endNs - startNs : before;
    this.#reach(Math.max(endNs, after));
    if (startNs < before) {
      // It goes between two chunks of a prefetch, whose rest moves on.
      bins.prefetch.spread(startNs, before, this.#binNs, -1);
      bins.prefetch.spread(endNs, after, this.#binNs);
      bins.prefetchEndNs[lane] = after;
    }
    (prefetch ? bins.prefetch : bins.demand).spread(startNs, endNs, this.#binNs);
  }

  passStarted(): void {}
  passEnded(): void {}
  dense(): void {}
  planned(): void {}
  prefetchUsed(): void {}
  executed(): void {}
  computedOnCpu(): void {}
  evicted(): void {}

  /**
   * What was recorded.
   * @param scope of the expert caches
   */
  details(latencies: Latencies, scope: Scope): Details {
    const endNs = this.#simulation.engine.nowNs;
    const count = Math.min(BINS, Math.max(1, Math.ceil(endNs / this.#binNs)));
    for (const [link, bins] of this.#links) this.#cut(link, bins, endNs);
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
        links: [...this.#links.values()].map(
          ({ name, lanes, demand, prefetch }): LinkSeries => ({ name, lanes, demandNs: column(demand), prefetchNs: column(prefetch) }),
        ),
      },
      capacity: capacityCurve(this.#simulation.gpus, scope),
    };
  }

  /**
   * Ends a prefetch of expert `id` where its lane was lost: that is free since then, although the prefetch would have ended later.
   * @returns false: there is none, or none whose lane was lost
   */
  #lost(link: Link, { prefetch, prefetchEndNs, prefetching }: LinkBins, id: number): boolean {
    const lane = prefetching.findIndex((one, lane) => one === id && prefetchEndNs[lane]! > link.freeNs(lane));
    if (lane < 0) return false;
    const lostNs = link.freeNs(lane);
    prefetch.spread(lostNs, prefetchEndNs[lane]!, this.#binNs, -1);
    prefetchEndNs[lane] = lostNs;
    return true;
  }

  /** Takes out what is left of transfers at the end of the run: prefetches, or write-backs, that nothing waited for. */
  #cut(link: Link, { demand, prefetch }: LinkBins, endNs: number): void {
    const under = link.prefetches > 0 ? prefetch : demand;
    for (let lane = 0; lane < link.lanes; lane++) {
      const freeNs = link.freeNs(lane);
      if (freeNs > endNs) under.spread(Math.max(endNs, link.sinceNs(lane)), freeNs, this.#binNs, -1);
    }
  }

  /** Bins of a link; one that no GPU is filled over writes back. */
  #linkBins(link: Link): LinkBins {
    return this.#links.get(link) ?? this.#open(link, `${link.name} write-back`);
  }

  #open(link: Link, name: string): LinkBins {
    const { lanes } = link;
    const [demand, prefetch] = [new Bins(), new Bins()];
    const bins = { name, lanes, demand, prefetch, prefetching: new Int32Array(lanes).fill(IDLE), prefetchEndNs: new Float64Array(lanes) };
    this.#links.set(link, bins);
    return bins;
  }

  /** Widens the bins until time `ns` has one. */
  #reach(ns: number): void {
    while (ns >= this.#binNs * BINS) {
      this.#binNs *= 2;
      for (const bins of [this.#hits, this.#late, this.#misses, this.#stall]) bins.fold();
      for (const { demand, prefetch } of this.#links.values()) {
        demand.fold();
        prefetch.fold();
      }
    }
  }
}

/** To a thousandth of the unit: pictures need no more, and files get shorter. */
function rounded(value: number): number {
  return Math.max(0, Math.round(value * 1000) / 1000);
}

// A run as a timeline: what the GPU, the CPU and every lane of every link do, which decision a copy goes back to, and what it was good
// for. An observer that forgets: it keeps the prefetches whose fate is open, one for an expert at most.
import { layerOfExperts } from '../../cache/scope.js';
import type { Link } from '../../engine/link.js';
import type { Observer } from '../../engine/observer.js';
import type { ModelSpec } from '../../model/spec.js';
import type { Pass } from '../../schedule/pass.js';
import { Counter } from './counter.js';
import type { FlowPoint, Place, TraceEvents } from './events.js';
import { CPU_KIND, GPU_KINDS, type Kind, LAYER_KIND, PASS_KIND, TRANSFER_KINDS } from './kinds.js';
import { type Copy, Lane } from './lane.js';
import { Track } from './track.js';
import type { Window } from './window.js';

/** What is drawn. */
export interface TimelineParts {
  readonly model: ModelSpec;
  /** The GPU's expert cache, whose bytes are counted, and the link that fills it. */
  readonly gpu: { readonly usedBytes: number; readonly link: Link };
  /** DRAM where it is a cache of the SSD. */
  readonly dram: { readonly link: Link } | null;
  readonly window: Window;
  readonly events: TraceEvents;
}

const PASSES: Place = { pid: 1, tid: 1001 };
const LAYERS: Place = { pid: 1, tid: 1002 };
const GPU: Place = { pid: 2, tid: 2001 };
const EVICTIONS: Place = { pid: 2, tid: 2002 };
const CPU: Place = { pid: 3, tid: 3001 };
/** Group of the first link. */
const FIRST_LINK = 4;

/** Writes what it sees as trace events. */
export class Timeline implements Observer {
  readonly #parts: TimelineParts;
  readonly #events: TraceEvents;
  readonly #layerOf: Uint16Array;
  readonly #gpu = new Track(3);
  readonly #cpu = new Track(1);
  readonly #links = new Map<Link, readonly Lane[]>();
  readonly #resident: Counter;
  readonly #hitRate: Counter;
  /** By expert: where the layer began whose routing last planned it in this pass, whole ns; -1: none did. */
  readonly #decidedNs: Float64Array;
  /** Experts planned since the running layer began. */
  readonly #decided: number[] = [];
  /** Prefetches to the GPU whose experts have not been demanded, and those whose experts the running event has demanded. */
  readonly #open = new Map<number, Copy>();
  readonly #used = new Map<number, Copy>();
  /** Arrows that are complete when the running layer's slice is written. */
  readonly #flows: FlowPoint[][] = [];
  #cpuNamed = false;
  // The running pass and layer: where they began, whole ns, and what was judged.
  #passNs = 0;
  #passHits = 0;
  #passDemanded = 0;
  #layer = 0;
  #layerNs = 0;
  #hits = 0;
  #late = 0;
  #misses = 0;

  constructor(parts: TimelineParts) {
    const { dram, events, gpu, model, window } = parts;
    this.#parts = parts;
    this.#events = events;
    this.#layerOf = layerOfExperts(model);
    this.#decidedNs = new Float64Array(model.experts).fill(-1);
    events.fromNs = window.by === 'time' ? Math.round(window.from) : Number.POSITIVE_INFINITY;
    if (window.by === 'time') events.toNs = Math.round(window.to);
    events.process(PASSES.pid, 'passes');
    events.track(PASSES, 'passes');
    events.track(LAYERS, 'layers');
    events.process(GPU.pid, 'GPU');
    events.track(GPU, 'GPU');
    events.track(EVICTIONS, 'evictions');
    this.#lanes(gpu.link);
    if (dram !== null) this.#lanes(dram.link);
    this.#resident = new Counter(events, GPU.pid, 'experts', 'resident bytes');
    this.#hitRate = new Counter(events, GPU.pid, 'cache', 'hit rate');
    this.#resident.set(gpu.usedBytes, 0);
  }

  passStarted(pass: Pass, nowNs: number): void {
    const { window } = this.#parts;
    this.#gpu.reach(nowNs);
    this.#passNs = this.#layerNs = this.#gpu.endNs;
    // No plan outlives its pass (L12).
    this.#decidedNs.fill(-1);
    this.#passHits = this.#passDemanded = 0;
    if (window.by === 'pass' && pass.number === window.from) this.#events.fromNs = this.#passNs;
  }

  passEnded(pass: Pass): void {
    const { window } = this.#parts;
    const endNs = this.#gpu.endNs;
    const args = `"tokens":${pass.tokens},"decode":${pass.decodeTokens},"sequences":${pass.sequences}`;
    this.#events.slice(PASSES, PASS_KIND, ` ${pass.number}`, this.#passNs, endNs, args);
    if (this.#passDemanded > 0) this.#hitRate.set(Number((this.#passHits / this.#passDemanded).toFixed(6)), this.#passNs);
    if (window.by === 'pass' && pass.number === window.to) this.#events.toNs = endNs;
  }

  dense(layer: number, startNs: number, endNs: number): void {
    if (layer > 0) this.#endLayer();
    this.#layer = layer;
    this.#onGpu(GPU_KINDS.dense, layer < this.#parts.model.layers.length ? ` L${layer}` : ' tail', startNs, endNs);
  }

  judged(_layer: number, hits: number, late: number, misses: number): void {
    this.#hits += hits;
    this.#late += late;
    this.#misses += misses;
  }

  planned(id: number): void {
    this.#decidedNs[id] = this.#layerNs;
    this.#decided.push(id);
  }

  transferred(link: Link, index: number, id: number, bytes: number, startNs: number, endNs: number, prefetch: boolean): void {
    const lane = this.#lanes(link)[index]!;
    if (lane.doneBy(startNs) !== null) this.#settle(lane);
    if (prefetch) {
      const copy: Copy = { id, lane, bytes, decidedNs: this.#decidedNs[id]!, slices: [] };
      lane.prefetch(copy, startNs, endNs);
      if (link === this.#parts.gpu.link) this.#open.set(id, copy);
      return;
    }
    const start = lane.demand(startNs, endNs, link.prefetchEndNs[index]!);
    const { demand, writeBack } = TRANSFER_KINDS;
    const kind = link === this.#parts.gpu.link || link === this.#parts.dram?.link ? demand : writeBack;
    this.#events.slice(lane.place, kind, this.#label(id), start, lane.endNs, `"bytes":${bytes}`);
  }

  prefetchUsed(id: number, late: boolean): void {
    const copy = this.#close(id, late ? TRANSFER_KINDS.late : TRANSFER_KINDS.useful);
    if (copy !== null) this.#used.set(id, copy);
  }

  executed(id: number, layer: number, startNs: number, endNs: number): void {
    const start = this.#onGpu(GPU_KINDS.expert, ` L${layer} E${this.#expert(id)}`, startNs, endNs);
    const copy = this.#used.get(id);
    if (copy === undefined) return;
    this.#used.delete(id);
    this.#arrow(copy, start, this.#gpu.endNs);
  }

  stalled(id: number, layer: number, startNs: number, endNs: number): void {
    this.#onGpu(GPU_KINDS.stall, id < 0 ? ` L${layer} CPU` : ` L${layer} E${this.#expert(id)}`, startNs, endNs);
  }

  computedOnCpu(id: number, _layer: number, startNs: number, endNs: number): void {
    if (!this.#cpuNamed) {
      this.#cpuNamed = true;
      this.#events.process(CPU.pid, 'CPU');
      this.#events.track(CPU, 'CPU');
    }
    const start = this.#cpu.place(1, startNs, endNs);
    this.#events.slice(CPU, CPU_KIND, this.#label(id), start, this.#cpu.endNs);
  }

  evicted(id: number, _layer: number, nowNs: number): void {
    const copy = this.#close(id, TRANSFER_KINDS.wasted);
    this.#events.instant(EVICTIONS, 'eviction', `evict${this.#label(id)}`, Math.round(nowNs));
    if (copy !== null) this.#arrow(copy, -1, -1);
  }

  /** The run has ended: writes what was still open. */
  end(): void {
    for (const lanes of this.#links.values()) for (const lane of lanes) this.#settle(lane);
    for (const id of [...this.#open.keys()]) {
      const copy = this.#close(id, TRANSFER_KINDS.pending);
      if (copy !== null) this.#arrow(copy, -1, -1);
    }
    this.#writeFlows();
    this.#resident.end(this.#gpu.endNs);
    this.#hitRate.end(this.#gpu.endNs);
  }

  #onGpu(kind: Kind & { readonly track: number }, label: string, startNs: number, endNs: number): number {
    const start = this.#gpu.place(kind.track, startNs, endNs);
    this.#events.slice(GPU, kind, label, start, this.#gpu.endNs);
    return start;
  }

  /** The events of a layer have ended. */
  #endLayer(): void {
    const endNs = this.#gpu.endNs;
    const judged = this.#hits + this.#late + this.#misses;
    if (endNs > this.#layerNs) {
      const args = `"hits":${this.#hits},"late":${this.#late},"misses":${this.#misses}`;
      this.#events.slice(LAYERS, LAYER_KIND, ` ${this.#layer}`, this.#layerNs, endNs, args);
    } else {
      // No slice that an arrow could start from.
      for (const id of this.#decided) this.#decidedNs[id] = -1;
    }
    this.#decided.length = 0;
    this.#writeFlows();
    this.#resident.set(this.#parts.gpu.usedBytes, endNs);
    this.#passHits += this.#hits;
    this.#passDemanded += judged;
    this.#hits = this.#late = this.#misses = 0;
    this.#layerNs = endNs;
  }

  #writeFlows(): void {
    for (const points of this.#flows) this.#events.flow('prefetch', points);
    this.#flows.length = 0;
  }

  /** The fate of the prefetch of an expert is known. @returns null: none was open */
  #close(id: number, kind: Kind): Copy | null {
    const copy = this.#open.get(id);
    if (copy === undefined) return null;
    this.#open.delete(id);
    if (copy.lane.carries(copy)) copy.lane.settle();
    this.#draw(copy, kind);
    return copy;
  }

  /** What a lane carries is final; below the GPU that is all there is to know of it. */
  #settle(lane: Lane): void {
    const copy = lane.settle();
    if (copy !== null && this.#open.get(copy.id) !== copy) this.#draw(copy, TRANSFER_KINDS.staged);
  }

  #draw({ bytes, id, lane, slices }: Copy, kind: Kind): void {
    const label = this.#label(id);
    for (let i = 0; i < slices.length; i += 2) {
      // Its bytes are told once, so that they add up.
      const args = i === 0 ? `"bytes":${bytes}` : `"part":${i / 2 + 1}`;
      this.#events.slice(lane.place, kind, label, slices[i]!, slices[i + 1]!, args);
    }
  }

  /** An arrow from the decision to the copy and, where `endNs` lies behind `startNs`, to the slice of its first use. */
  #arrow({ decidedNs, lane, slices }: Copy, startNs: number, endNs: number): void {
    if (decidedNs < 0 || slices.length === 0) return;
    const copyNs = Math.max(slices[0]!, decidedNs);
    // Tracks are rounded apart: where the copy began with the decision, it may seem to have begun just before it.
    if (copyNs >= slices[1]!) return;
    const points: FlowPoint[] = [
      { ...LAYERS, ns: decidedNs },
      { ...lane.place, ns: copyNs },
    ];
    const useNs = Math.max(startNs, copyNs);
    if (useNs < endNs) points.push({ ...GPU, ns: useNs });
    this.#flows.push(points);
  }

  #lanes(link: Link): readonly Lane[] {
    let lanes = this.#links.get(link);
    if (lanes === undefined) {
      const pid = FIRST_LINK + this.#links.size;
      const { dram, gpu } = this.#parts;
      const name = link === gpu.link || link === dram?.link ? link.name : `${link.name} write-back`;
      this.#events.process(pid, name);
      lanes = Array.from({ length: link.lanes }, (_, i) => new Lane({ pid, tid: pid * 1000 + 1 + i }));
      lanes.forEach(({ place }, i) => void this.#events.track(place, link.lanes === 1 ? name : `${name} lane ${i}`));
      this.#links.set(link, lanes);
    }
    return lanes;
  }

  #label(id: number): string {
    return ` L${this.#layerOf[id]} E${this.#expert(id)}`;
  }

  #expert(id: number): number {
    return id - this.#parts.model.layers[this.#layerOf[id]!]!.offset;
  }
}

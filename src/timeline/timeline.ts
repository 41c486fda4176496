import { layerOfExperts } from '../cache/scope.js';
import type { Link } from '../engine/transfer/link.js';
import type { Observer } from '../engine/transfer/observer.js';
import type { ModelSpec } from '../model/door.js';
import type { Pass } from '../schedule/door.js';
import { openCounter } from './counter.js';
import type { Place, TraceEvents } from './events.js';
import { type Arrow, type GpuTracks, openGpu, type WatchedGpu } from './gpu.js';
import { CPU_KIND, EXCHANGE_KINDS, type Kind, LAYER_KIND, PASS_KIND, TRANSFER_KINDS } from './kinds.js';
import { type Direction, type LinkTracks, openLink } from './link.js';
import { Track } from './track.js';
import type { Window } from './window.js';

interface TimelineParts {
  readonly model: ModelSpec;
  /** GPUs with expert caches; DRAM if a cache of the SSD. */
  readonly gpus: readonly { readonly gpu: WatchedGpu; readonly dram: { readonly link: Link } | null }[];
  readonly window: Window;
  readonly events: TraceEvents;
}

const PASSES: Place = { pid: 1, tid: 1001 };
const LAYERS: Place = { pid: 1, tid: 1002 };

/** GPUs, CPU, lanes, and decisions for transfers. Memory holds only prefetches of open fate. */
export class Timeline implements Observer {
  readonly #parts: TimelineParts;
  readonly #events: TraceEvents;
  readonly #layerOf: Uint16Array;
  readonly #gpus: readonly GpuTracks[];
  readonly #links = new Map<Link, LinkTracks>();
  readonly #cpu: ReturnType<typeof openRows>;
  readonly #exchanges: Readonly<Record<keyof typeof EXCHANGE_KINDS, ReturnType<typeof openRows>>>;
  readonly #hitRate: ReturnType<typeof openCounter>;
  /** By expert: start of the last layer to plan a load in the pass, whole ns; -1: unplanned. */
  readonly #decidedNs: Float64Array;
  readonly #decided: number[] = [];
  #arrows: Arrow[] = [];
  #groups = PASSES.pid;
  // Start times (whole ns) and hits of the current pass and layer.
  #passNs = 0;
  #passHits = 0;
  #passDemanded = 0;
  #layer = 0;
  #layerNs = 0;
  #hits = 0;
  #late = 0;
  #misses = 0;

  constructor(parts: TimelineParts) {
    const { events, gpus, model, window } = parts;
    this.#parts = parts;
    this.#events = events;
    this.#layerOf = layerOfExperts(model);
    this.#decidedNs = new Float64Array(model.experts).fill(-1);
    events.fromNs = window.by === 'time' ? Math.round(window.from) : Number.POSITIVE_INFINITY;
    if (window.by === 'time') events.toNs = Math.round(window.to);
    events.process(PASSES.pid, 'passes');
    events.track(PASSES, 'passes');
    events.track(LAYERS, 'layers');
    const label = (id: number): string => this.#label(id);
    this.#gpus = gpus.map(({ gpu }, i) => openGpu(gpu, ++this.#groups, this.#named('GPU', i), events, label));
    const { demand } = TRANSFER_KINDS;
    gpus.forEach(({ gpu: { link } }, i) => void this.#open(link, this.#named(link.name, i), { demand, gpu: this.#gpus[i]! }));
    gpus.forEach(({ dram }, i) => {
      if (dram !== null) this.#open(dram.link, this.#named(dram.link.name, i), { demand, gpu: null });
    });
    const rows = (name: string) => openRows(events, name, () => this.#group(name));
    this.#cpu = rows('CPU');
    this.#exchanges = { dispatch: rows('dispatch'), combine: rows('combine') };
    this.#hitRate = openCounter(events, this.#gpus[0]!.pid, 'cache', 'hit rate');
  }

  passStarted(pass: Pass, nowNs: number): void {
    const { window } = this.#parts;
    for (const gpu of this.#gpus) gpu.reach(nowNs);
    this.#passNs = this.#layerNs = this.#nowNs;
    // No plan outlives a pass (L12).
    this.#decidedNs.fill(-1);
    this.#passHits = this.#passDemanded = 0;
    if (window.by === 'pass' && pass.number === window.from) this.#events.fromNs = this.#passNs;
  }

  passEnded(pass: Pass): void {
    const { window } = this.#parts;
    const args = `"tokens":${pass.tokens},"decode":${pass.decodeTokens},"sequences":${pass.sequences}`;
    this.#events.slice(PASSES, PASS_KIND, ` ${pass.number}`, this.#passNs, this.#nowNs, args);
    if (this.#passDemanded > 0) this.#hitRate.set(Number((this.#passHits / this.#passDemanded).toFixed(6)), this.#passNs);
    if (window.by === 'pass' && pass.number === window.to) this.#events.toNs = this.#nowNs;
  }

  drafted(startNs: number, endNs: number): void {
    for (const gpu of this.#gpus) gpu.draw('dense', ' draft', startNs, endNs);
    this.#layerNs = this.#nowNs;
  }

  dense(layer: number, startNs: number, endNs: number): void {
    if (layer > 0) this.#endLayer();
    this.#layer = layer;
    const label = layer < this.#parts.model.layers.length ? ` L${layer}` : ' tail';
    for (const gpu of this.#gpus) gpu.draw('dense', label, startNs, endNs);
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

  transferred(link: Link, lane: number, id: number, bytes: number, startNs: number, endNs: number, prefetch: boolean): void {
    const tracks = this.#links.get(link) ?? this.#open(link, `${link.name} write-back`, { demand: TRANSFER_KINDS.writeBack, gpu: null });
    if (prefetch) tracks.prefetch(lane, id, bytes, this.#decidedNs[id]!, startNs, endNs);
    else tracks.demand(lane, id, bytes, startNs, endNs);
  }

  prefetchUsed(id: number, late: boolean, gpu = 0): void {
    this.#gpus[gpu]!.used(id, late);
  }

  executed(id: number, _layer: number, startNs: number, endNs: number, gpu = 0): void {
    this.#draw(this.#gpus[gpu]!.executed(id, startNs, endNs));
  }

  stalled(id: number, layer: number, startNs: number, endNs: number, gpu = 0): void {
    const other = this.#gpus.length === 1 ? ' CPU' : '';
    this.#gpus[gpu]!.draw('stall', id < 0 ? ` L${layer}${other}` : this.#label(id), startNs, endNs);
  }

  computedOnCpu(id: number, _layer: number, startNs: number, endNs: number): void {
    this.#cpu(CPU_KIND, this.#label(id), startNs, endNs);
  }

  evicted(id: number, _layer: number, nowNs: number, gpu = 0): void {
    this.#draw(this.#gpus[gpu]!.evicted(id, nowNs));
  }

  exchanged(layer: number, startNs: number, endNs: number, back: boolean): void {
    const way = back ? 'combine' : 'dispatch';
    this.#exchanges[way](EXCHANGE_KINDS[way], ` L${layer}`, startNs, endNs);
  }

  end(): void {
    for (const link of this.#links.values()) link.end();
    for (const gpu of this.#gpus) for (const arrow of gpu.end()) this.#draw(arrow);
    this.#writeArrows();
    this.#hitRate.end(this.#nowNs);
  }

  /** Whole ns; GPUs run in step. */
  get #nowNs(): number {
    return this.#gpus[0]!.endNs;
  }

  #endLayer(): void {
    const endNs = this.#nowNs;
    if (endNs > this.#layerNs) {
      const args = `"hits":${this.#hits},"late":${this.#late},"misses":${this.#misses}`;
      this.#events.slice(LAYERS, LAYER_KIND, ` ${this.#layer}`, this.#layerNs, endNs, args);
    } else if (this.#decided.length > 0) this.#forget(this.#layerNs);
    this.#decided.length = 0;
    this.#writeArrows();
    for (const gpu of this.#gpus) gpu.layerEnded();
    this.#passHits += this.#hits;
    this.#passDemanded += this.#hits + this.#late + this.#misses;
    this.#hits = this.#late = this.#misses = 0;
    this.#layerNs = endNs;
  }

  /** Drops arrows from the current layer, which has no slice. */
  #forget(ns: number): void {
    for (const id of this.#decided) this.#decidedNs[id] = -1;
    for (const gpu of this.#gpus) gpu.forget(ns);
    this.#arrows = this.#arrows.filter(({ decidedNs }) => decidedNs !== ns);
  }

  #draw(arrow: Arrow | null): void {
    if (arrow !== null) this.#arrows.push(arrow);
  }

  #writeArrows(): void {
    for (const { decidedNs, points } of this.#arrows) this.#events.flow('prefetch', [{ ...LAYERS, ns: decidedNs }, ...points]);
    this.#arrows.length = 0;
  }

  #open(link: Link, name: string, direction: Direction): LinkTracks {
    const tracks = openLink(link, direction, ++this.#groups, name, this.#events, (id) => this.#label(id));
    this.#links.set(link, tracks);
    return tracks;
  }

  #group(name: string): number {
    this.#events.process(++this.#groups, name);
    return this.#groups;
  }

  #named(name: string, gpu: number): string {
    return this.#parts.gpus.length === 1 ? name : `${name} ${gpu}`;
  }

  #label(id: number): string {
    const layer = this.#layerOf[id]!;
    return ` L${layer} E${id - this.#parts.model.layers[layer]!.offset}`;
  }
}

/** Rows of one group. @param group opens the group, returns `pid` @returns function to draw a slice, exact ns */
function openRows(events: TraceEvents, name: string, group: () => number) {
  const rows: { readonly place: Place; readonly track: Track }[] = [];
  const open = (): (typeof rows)[number] => {
    const number = rows.length + 1;
    const pid = rows[0]?.place.pid ?? group();
    const row = { place: { pid, tid: pid * 1000 + number }, track: new Track(1) };
    events.track(row.place, number === 1 ? name : `${name} ${number}`);
    rows.push(row);
    return row;
  };
  return (kind: Kind, label: string, startNs: number, endNs: number): void => {
    const { place, track } = rows.find((row) => row.track.exactEndNs <= startNs) ?? open();
    const start = track.place(1, startNs, endNs);
    events.slice(place, kind, label, start, track.endNs);
  };
}

// One GPU in a timeline: what it executes and waits for, what leaves its cache, and what became of the prefetches to it.
import type { Link } from '../engine/transfer/link.js';
import { type Counter, openCounter } from './counter.js';
import type { FlowPoint, Place, TraceEvents } from './events.js';
import { GPU_KINDS, type Kind, TRANSFER_KINDS } from './kinds.js';
import { type Copy, drawCopy } from './lane.js';
import { Track } from './track.js';

/** A GPU as a timeline sees it. */
export interface GpuPart {
  /** Bytes in its expert cache now. */
  readonly usedBytes: number;
  /** What fills it. */
  readonly link: Link;
}

/** An arrow that is complete: from the decision over the copy to the first use, if there was one. */
export interface Arrow {
  readonly decidedNs: number;
  readonly points: readonly FlowPoint[];
}

/** Tracks of one GPU. */
export class GpuTracks {
  readonly pid: number;
  /** Prefetches whose experts have not been demanded, by expert: as many as its cache holds, at most. */
  readonly open = new Map<number, Copy>();

  readonly #part: GpuPart;
  readonly #events: TraceEvents;
  readonly #label: (id: number) => string;
  readonly #place: Place;
  readonly #evictions: Place;
  readonly #track = new Track(3);
  readonly #resident: Counter;
  /** Prefetches whose experts the running event has demanded and not executed. */
  readonly #used = new Map<number, Copy>();

  /**
   * @param name of the group of tracks
   * @param label what the names of slices end in, by expert: ` L7 E42`
   */
  constructor(part: GpuPart, pid: number, name: string, events: TraceEvents, label: (id: number) => string) {
    this.#part = part;
    this.pid = pid;
    this.#events = events;
    this.#label = label;
    this.#place = { pid, tid: pid * 1000 + 1 };
    this.#evictions = { pid, tid: pid * 1000 + 2 };
    events.process(pid, name);
    events.track(this.#place, name);
    events.track(this.#evictions, `${name} evictions`);
    this.#resident = openCounter(events, pid, 'experts', 'resident bytes');
    this.#resident.set(part.usedBytes, 0);
  }

  /** Where its last slice ends, whole ns. */
  get endNs(): number {
    return this.#track.endNs;
  }

  /** Nothing runs until then. */
  reach(ns: number): void {
    this.#track.reach(ns);
  }

  dense(label: string, startNs: number, endNs: number): void {
    this.#slice(GPU_KINDS.dense, label, startNs, endNs);
  }

  stall(label: string, startNs: number, endNs: number): void {
    this.#slice(GPU_KINDS.stall, label, startNs, endNs);
  }

  /** @returns the arrow that ends in this execution, if it is the first use of a prefetched expert */
  executed(id: number, startNs: number, endNs: number): Arrow | null {
    const start = this.#slice(GPU_KINDS.expert, this.#label(id), startNs, endNs);
    const copy = this.#used.get(id);
    if (copy === undefined) return null;
    this.#used.delete(id);
    return arrow(copy, { ...this.#place, ns: start }, this.endNs);
  }

  /** A prefetched expert is demanded for the first time. */
  used(id: number, late: boolean): void {
    const copy = this.#close(id, late ? TRANSFER_KINDS.late : TRANSFER_KINDS.useful);
    if (copy !== null) this.#used.set(id, copy);
  }

  /** @returns the arrow to the copy that was for nothing, if it was */
  evicted(id: number, nowNs: number): Arrow | null {
    const copy = this.#close(id, TRANSFER_KINDS.wasted);
    this.#events.instant(this.#evictions, 'eviction', `evict${this.#label(id)}`, Math.round(nowNs));
    return copy === null ? null : arrow(copy);
  }

  /** The running layer has ended. */
  layerEnded(): void {
    this.#resident.set(this.#part.usedBytes, this.endNs);
  }

  /** The run has ended. @returns arrows to copies that nobody has demanded yet */
  end(): Arrow[] {
    this.#resident.end(this.endNs);
    return [...this.open.keys()].map((id) => arrow(this.#close(id, TRANSFER_KINDS.pending)!)).filter((one) => one !== null);
  }

  #slice(kind: Kind & { readonly track: number }, label: string, startNs: number, endNs: number): number {
    const start = this.#track.place(kind.track, startNs, endNs);
    this.#events.slice(this.#place, kind, label, start, this.endNs);
    return start;
  }

  /** The fate of the prefetch of an expert is known. @returns null: none was open */
  #close(id: number, kind: Kind): Copy | null {
    const copy = this.open.get(id);
    if (copy === undefined) return null;
    this.open.delete(id);
    copy.lane?.settle();
    drawCopy(this.#events, copy, kind, this.#label(id));
    return copy;
  }
}

/**
 * The arrow of a prefetch.
 * @param use where its expert is executed, and until when
 * @returns null where it has nothing to start from
 */
function arrow({ decidedNs, parts }: Copy, use: FlowPoint | null = null, useEndNs = 0): Arrow | null {
  const first = parts[0];
  if (decidedNs < 0 || first === undefined) return null;
  // Tracks are rounded apart: a copy that began with its decision may seem to have begun just before it.
  const copyNs = Math.max(first.startNs, decidedNs);
  if (copyNs >= first.endNs) return null;
  const points: FlowPoint[] = [{ ...first.place, ns: copyNs }];
  if (use !== null && Math.max(use.ns, copyNs) < useEndNs) points.push({ ...use, ns: Math.max(use.ns, copyNs) });
  return { decidedNs, points };
}

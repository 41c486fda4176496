import type { Link } from '../engine/transfer/link.js';
import { openCounter } from './counter.js';
import type { FlowPoint, Place, TraceEvents } from './events.js';
import { GPU_KINDS, type Kind, TRANSFER_KINDS } from './kinds.js';
import { type Copy, drawCopy } from './lane.js';
import { Track } from './track.js';

/** GPU shown in a timeline. */
export interface WatchedGpu {
  readonly usedBytes: number;
  readonly link: Link;
}

/** Complete arrow: decision, copy, and first use if any. */
export interface Arrow {
  readonly decidedNs: number;
  readonly points: readonly FlowPoint[];
}

/** Tracks of one GPU. */
export type GpuTracks = ReturnType<typeof openGpu>;

/** @param name of the group @param label suffix of slice names by expert: ` L7 E42` */
export function openGpu(part: WatchedGpu, pid: number, name: string, events: TraceEvents, label: (id: number) => string) {
  const place: Place = { pid, tid: pid * 1000 + 1 };
  const evictions: Place = { pid, tid: pid * 1000 + 2 };
  events.process(pid, name);
  events.track(place, name);
  events.track(evictions, `${name} evictions`);
  const resident = openCounter(events, pid, 'experts', 'resident bytes');
  resident.set(part.usedBytes, 0);
  const track = new Track(3);
  /** Prefetches not yet demanded, by expert. */
  const open = new Map<number, Copy>();
  /** Prefetches demanded, not yet executed. */
  const demanded = new Map<number, Copy>();
  const slice = (kind: Kind & { readonly track: number }, text: string, startNs: number, endNs: number): number => {
    const start = track.place(kind.track, startNs, endNs);
    events.slice(place, kind, text, start, track.endNs);
    return start;
  };
  const close = (id: number, kind: Kind): Copy | null => {
    const copy = open.get(id);
    if (copy === undefined) return null;
    open.delete(id);
    copy.lane?.settle();
    drawCopy(events, copy, kind, label(id));
    return copy;
  };
  return {
    pid,
    open,
    /** End of the last slice, whole ns. */
    get endNs(): number {
      return track.endNs;
    },
    /** Idles until `ns`. */
    reach: (ns: number): void => track.reach(ns),
    draw: (kind: 'dense' | 'stall', text: string, startNs: number, endNs: number) => void slice(GPU_KINDS[kind], text, startNs, endNs),
    /** @returns arrow to the first use of a prefetched expert */
    executed(id: number, startNs: number, endNs: number): Arrow | null {
      const start = slice(GPU_KINDS.expert, label(id), startNs, endNs);
      const copy = demanded.get(id);
      if (copy === undefined) return null;
      demanded.delete(id);
      return arrow(copy, { ...place, ns: start }, track.endNs);
    },
    used(id: number, late: boolean): void {
      const copy = close(id, late ? TRANSFER_KINDS.late : TRANSFER_KINDS.useful);
      if (copy !== null) demanded.set(id, copy);
    },
    /** @returns arrow to a wasted copy */
    evicted(id: number, nowNs: number): Arrow | null {
      const copy = close(id, TRANSFER_KINDS.wasted);
      events.instant(evictions, 'eviction', `evict${label(id)}`, Math.round(nowNs));
      return copy === null ? null : arrow(copy);
    },
    forget(ns: number): void {
      for (const copies of [open, demanded]) for (const copy of copies.values()) if (copy.decidedNs === ns) copy.decidedNs = -1;
    },
    layerEnded: (): void => resident.set(part.usedBytes, track.endNs),
    /** @returns arrows to transfers never demanded */
    end(): Arrow[] {
      resident.end(track.endNs);
      return [...open.keys()].map((id) => arrow(close(id, TRANSFER_KINDS.pending)!)).filter((arrow) => arrow !== null);
    },
  };
}

/** Arrow of a prefetch. @param use execution of the expert @returns null without a start */
function arrow({ decidedNs, parts }: Copy, use: FlowPoint | null = null, useEndNs = 0): Arrow | null {
  const first = parts[0];
  if (decidedNs < 0 || first === undefined) return null;
  // Tracks round separately: a copy may seem to start just before the decision.
  const copyNs = Math.max(first.startNs, decidedNs);
  if (copyNs >= first.endNs) return null;
  const points: FlowPoint[] = [{ ...first.place, ns: copyNs }];
  if (use !== null && Math.max(use.ns, copyNs) < useEndNs) points.push({ ...use, ns: Math.max(use.ns, copyNs) });
  return { decidedNs, points };
}

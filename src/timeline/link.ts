// The lanes of a link in a timeline: what each transfer is, and when a prefetch is final.
import type { Link } from '../engine/transfer/link.js';
import type { TraceEvents } from './events.js';
import type { GpuTracks } from './gpu.js';
import { type Kind, TRANSFER_KINDS } from './kinds.js';
import { type Copy, drawCopy, Lane, type Part } from './lane.js';

/** Which way a link leads. */
export interface Direction {
  /** What its demands are. */
  readonly demand: Kind;
  /** The GPU that it fills, which knows what its prefetches are good for; null: it fills none. */
  readonly gpu: GpuTracks | null;
}

/** Tracks of one link. */
export type LinkTracks = ReturnType<typeof openLink>;

/**
 * Opens the tracks of a link.
 * @param pid group of its tracks
 * @param name of the group
 * @param label what the names of slices end in, by expert: ` L7 E42`
 */
export function openLink(
  link: Link,
  { demand, gpu }: Direction,
  pid: number,
  name: string,
  events: TraceEvents,
  label: (id: number) => string,
) {
  events.process(pid, name);
  const lanes = Array.from({ length: link.lanes }, (_, i) => {
    const place = { pid, tid: pid * 1000 + 1 + i };
    events.track(place, link.lanes === 1 ? name : `${name} lane ${i}`);
    return new Lane(place);
  });
  /** A prefetch is final; where it does not go to a GPU, that is all there is to know of it. */
  const arrived = (copy: Copy | null): void => {
    if (copy !== null && gpu === null) drawCopy(events, copy, TRANSFER_KINDS.staged, label(copy.id));
  };
  const place = (index: number, startNs: number, endNs: number): Part => {
    arrived(lanes[index]!.arrived(startNs));
    return lanes[index]!.demand(startNs, endNs, link.prefetchEndNs[index]!);
  };
  return {
    /** A demand was placed. */
    demand(index: number, id: number, bytes: number, startNs: number, endNs: number): void {
      const part = place(index, startNs, endNs);
      events.slice(part.place, demand, label(id), part.startNs, part.endNs, `"bytes":${bytes}`);
    },
    /**
     * A prefetch started.
     * @param decidedNs where the layer began whose routing decided it, whole ns; -1: not known
     */
    prefetch(index: number, id: number, bytes: number, decidedNs: number, startNs: number, endNs: number): void {
      arrived(lanes[index]!.arrived(startNs));
      // A lane that was lost is free since then, although its prefetch would have ended later: this is its second start.
      const lost = lanes.findIndex((lane, i) => i !== index && lane.carries(id, link.freeNs(i)));
      if (lost >= 0) {
        const copy = lanes[lost]!.settle(link.freeNs(lost))!;
        copy.parts.push(place(index, startNs, endNs));
        arrived(copy);
        return;
      }
      const copy: Copy = { id, bytes, decidedNs, parts: [], lane: null };
      lanes[index]!.prefetch(copy, startNs, endNs);
      gpu?.open.set(id, copy);
    },
    /** The run has ended. */
    end(): void {
      for (const lane of lanes) arrived(lane.settle());
    },
  };
}

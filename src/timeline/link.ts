import { IDLE, type Link } from '../engine/transfer/link.js';
import type { TraceEvents } from './events.js';
import type { GpuTracks } from './gpu.js';
import { type Kind, TRANSFER_KINDS } from './kinds.js';
import { type Copy, drawCopy, Lane } from './lane.js';

/** Direction of a link. */
export interface Direction {
  readonly demand: Kind;
  /** Destination GPU, judges prefetches; null: not a GPU. */
  readonly gpu: GpuTracks | null;
}

/** Tracks of one link. */
export type LinkTracks = ReturnType<typeof openLink>;

/** @param pid track group @param name of the group @param label suffix of slice names by expert */
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
  const arrived = (copies: readonly Copy[]): void => {
    if (gpu === null) for (const copy of copies) drawCopy(events, copy, TRANSFER_KINDS.staged, label(copy.id));
  };
  return {
    demand(index: number, id: number, bytes: number, startNs: number, endNs: number): void {
      const lane = lanes[index]!;
      arrived(lane.arrived(startNs));
      const part = lane.demand(startNs, endNs, link.prefetchEndNs[index]!);
      events.slice(part.place, demand, label(id), part.startNs, part.endNs, `"bytes":${bytes}`);
    },
    /** @param decidedNs start of the deciding layer, whole ns; -1: unknown */
    prefetch(index: number, id: number, bytes: number, decidedNs: number, startNs: number, endNs: number): void {
      const lane = lanes[index]!;
      let copy: Copy = { id, bytes, decidedNs, parts: [], lane: null };
      if (link.prefetching[index] === id) {
        arrived(lane.arrived(startNs));
        lane.prefetch(copy, startNs, endNs);
        gpu?.open.set(id, copy);
        return;
      }
      // A lane free before the planned end of a copy was lost: the copy starts again on a new lane.
      const lost = lanes.findIndex((other, i) => i !== index && other.carries(id, link.freeNs(i)));
      if (lost >= 0) {
        const [moved, ...behind] = lanes[lost]!.settle(link.freeNs(lost));
        copy = moved!;
        arrived(behind);
      } else gpu?.open.set(id, copy);
      // A transfer that has arrived cannot be lost.
      if (link.prefetching[index] === IDLE) arrived(lane.settle());
      lane.placed(copy, startNs, endNs, link.prefetchEndNs[index]!);
      if (copy.lane === null) arrived([copy]);
    },
    end(): void {
      for (const lane of lanes) arrived(lane.settle());
    },
  };
}

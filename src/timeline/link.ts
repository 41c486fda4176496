// The lanes of a link in a timeline: what each transfer is, and when a prefetch is final.
import type { Link } from '../engine/transfer/link.js';
import type { TraceEvents } from './events.js';
import type { GpuTracks } from './gpu.js';
import { type Kind, TRANSFER_KINDS } from './kinds.js';
import { type Copy, drawCopy, Lane } from './lane.js';

/** Which way a link leads. */
export interface Direction {
  /** What its demands are. */
  readonly demand: Kind;
  /** The GPU that it fills, which knows what its prefetches are good for; null: it fills none. */
  readonly gpu: GpuTracks | null;
}

/** Tracks of one link. */
export class LinkTracks {
  readonly #link: Link;
  readonly #direction: Direction;
  readonly #events: TraceEvents;
  readonly #label: (id: number) => string;
  readonly #lanes: readonly Lane[];

  /**
   * @param pid group of its tracks
   * @param name of the group
   * @param label what the names of slices end in, by expert: ` L7 E42`
   */
  constructor(link: Link, direction: Direction, pid: number, name: string, events: TraceEvents, label: (id: number) => string) {
    this.#link = link;
    this.#direction = direction;
    this.#events = events;
    this.#label = label;
    events.process(pid, name);
    this.#lanes = Array.from({ length: link.lanes }, (_, i) => {
      const place = { pid, tid: pid * 1000 + 1 + i };
      events.track(place, link.lanes === 1 ? name : `${name} lane ${i}`);
      return new Lane(place);
    });
  }

  /** A demand was placed. */
  demand(index: number, id: number, bytes: number, startNs: number, endNs: number): void {
    const { endNs: end, place, startNs: start } = this.#place(index, startNs, endNs);
    this.#events.slice(place, this.#direction.demand, this.#label(id), start, end, `"bytes":${bytes}`);
  }

  /**
   * A prefetch started.
   * @param decidedNs where the layer began whose routing decided it, whole ns; -1: not known
   */
  prefetch(index: number, id: number, bytes: number, decidedNs: number, startNs: number, endNs: number): void {
    const lanes = this.#lanes;
    this.#arrived(lanes[index]!.arrived(startNs));
    // A lane that was lost is free since then, although its prefetch would have ended later: this is its second start.
    const lost = lanes.findIndex((lane, i) => i !== index && lane.carries(id, this.#link.freeNs(i)));
    if (lost >= 0) {
      const copy = lanes[lost]!.settle(this.#link.freeNs(lost))!;
      copy.parts.push(this.#place(index, startNs, endNs));
      this.#arrived(copy);
      return;
    }
    const copy: Copy = { id, bytes, decidedNs, parts: [], lane: null };
    lanes[index]!.prefetch(copy, startNs, endNs);
    this.#direction.gpu?.open.set(id, copy);
  }

  /** The run has ended. */
  end(): void {
    for (const lane of this.#lanes) this.#arrived(lane.settle());
  }

  #place(index: number, startNs: number, endNs: number) {
    const lane = this.#lanes[index]!;
    this.#arrived(lane.arrived(startNs));
    return lane.demand(startNs, endNs, this.#link.prefetchEndNs[index]!);
  }

  /** A prefetch is final; where it does not go to a GPU, that is all there is to know of it. */
  #arrived(copy: Copy | null): void {
    if (copy !== null && this.#direction.gpu === null) drawCopy(this.#events, copy, TRANSFER_KINDS.staged, this.#label(copy.id));
  }
}

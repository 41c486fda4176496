// Work that may run at the same time, such as that of two processors: slices of one track must not overlap, so there are as many tracks
// as run at once, and each slice is on the first that is free.
import type { Place, TraceEvents } from './events.js';
import type { Kind } from './kinds.js';
import { Track } from './track.js';

/** Tracks of one group. */
export class Rows {
  readonly #events: TraceEvents;
  readonly #name: string;
  readonly #group: () => number;
  readonly #rows: { readonly place: Place; readonly track: Track }[] = [];
  #pid = 0;

  /**
   * @param name of the tracks
   * @param group opens the group when the first slice comes, and gives its `pid`
   */
  constructor(events: TraceEvents, name: string, group: () => number) {
    this.#events = events;
    this.#name = name;
    this.#group = group;
  }

  /** A slice, exact ns. */
  slice(kind: Kind, label: string, startNs: number, endNs: number): void {
    const { place, track } = this.#rows.find((row) => row.track.exactEndNs <= startNs) ?? this.#open();
    const start = track.place(1, startNs, endNs);
    this.#events.slice(place, kind, label, start, track.endNs);
  }

  #open(): { readonly place: Place; readonly track: Track } {
    const number = this.#rows.length + 1;
    if (number === 1) this.#pid = this.#group();
    const row = { place: { pid: this.#pid, tid: this.#pid * 1000 + number }, track: new Track(1) };
    this.#events.track(row.place, number === 1 ? this.#name : `${this.#name} ${number}`);
    this.#rows.push(row);
    return row;
  }
}

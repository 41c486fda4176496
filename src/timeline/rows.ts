// Work that may overlap in time, such as that of two processors. Slices of one track must not overlap, so there are several tracks, and each
// slice goes to the first one that is free.
import type { Place, TraceEvents } from './events.js';
import type { Kind } from './kinds.js';
import { Track } from './track.js';

/**
 * Tracks of one group.
 * @param name of the tracks
 * @param group opens the group when the first slice comes, and gives its `pid`
 * @returns draws a slice, exact ns
 */
export function openRows(events: TraceEvents, name: string, group: () => number) {
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

import type { TraceEvents } from './events.js';

/** A quantity over time. It is written when it changes; a later window begins with the value of that moment. */
export function openCounter(events: TraceEvents, pid: number, name: string, series: string) {
  let current = Number.NaN;
  let begun = false;
  /** Writes the value at the beginning of the window. */
  const begin = (): void => {
    if (!begun && !Number.isNaN(current)) events.counter(pid, name, series, current, events.fromNs);
    begun = true;
  };
  return {
    /** Sets the quantity to `value` from `ns` on; times never go back. */
    set(value: number, ns: number): void {
      if (value === current) return;
      if (ns > events.fromNs) {
        begin();
        if (ns < events.toNs) events.counter(pid, name, series, value, ns);
      }
      current = value;
    },
    end(ns: number): void {
      if (ns > events.fromNs) begin();
    },
  };
}

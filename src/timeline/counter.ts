import type { TraceEvents } from './events.js';

/** Written on change; a window starts with the current value. */
export function openCounter(events: TraceEvents, pid: number, name: string, series: string) {
  let current = Number.NaN;
  let begun = false;
  const begin = (): void => {
    if (!begun && !Number.isNaN(current)) events.counter(pid, name, series, current, events.fromNs);
    begun = true;
  };
  return {
    /** Sets the quantity; times never decrease. */
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

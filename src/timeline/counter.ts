// A quantity over time. It is written where it changes; a window that begins later begins with the value of that moment.
import type { TraceEvents } from './events.js';

/** One counter track. */
export class Counter {
  readonly #events: TraceEvents;
  readonly #pid: number;
  readonly #name: string;
  readonly #series: string;
  #value = Number.NaN;
  /** True once the window has been reached. */
  #begun = false;

  constructor(events: TraceEvents, pid: number, name: string, series: string) {
    this.#events = events;
    this.#pid = pid;
    this.#name = name;
    this.#series = series;
  }

  /** The quantity is `value` from `ns` on; times never go back. */
  set(value: number, ns: number): void {
    if (value === this.#value) return;
    if (ns > this.#events.fromNs) {
      this.#begin();
      if (ns < this.#events.toNs) this.#write(value, ns);
    }
    this.#value = value;
  }

  /** The run has ended. */
  end(ns: number): void {
    if (ns > this.#events.fromNs) this.#begin();
  }

  /** Says what the quantity is when the window begins. */
  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    if (!Number.isNaN(this.#value)) this.#write(this.#value, this.#events.fromNs);
  }

  #write(value: number, ns: number): void {
    this.#events.counter(this.#pid, this.#name, this.#series, value, ns);
  }
}

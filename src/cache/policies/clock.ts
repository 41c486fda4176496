import { NONE, type Pins, policy } from '../policy.js';
import { Fifo } from './fifo.js';

/** List that starts at the hand: the oldest is next, spared experts move to the newest end. */
class Clock extends Fifo {
  /** Chances left; -1: prefetched, not yet used. */
  readonly #chances: Int8Array;
  readonly #most: number;

  constructor(experts: number, most: number) {
    super(experts);
    this.#chances = new Int8Array(experts);
    this.#most = most;
  }

  override touch(id: number): void {
    // Branchless, since the condition is a coin toss.
    this.#chances[id] = Math.min(this.#chances[id]! + 1, this.#most);
  }

  override insert(id: number, used: boolean): void {
    this.#chances[id] = used ? 0 : -1;
    super.insert(id, used);
  }

  /** The first expert without a chance; each on the way loses one. */
  override victim(_incoming: number, pins: Pins): number {
    const { list } = this;
    const { end } = list;
    const chances = this.#chances;
    for (;;) {
      let spared = false;
      for (let id = list.newer(end); id !== end; ) {
        const next = list.newer(id);
        if (!pins.has(id)) {
          if (chances[id]! <= 0) return id;
          chances[id]!--;
          list.moveToFront(end, id);
          spared = true;
        }
        id = next;
      }
      if (!spared) return NONE;
    }
  }
}

/** CLOCK: FIFO that spares residents used since the hand's last visit, with `bits` > 1 per use, as FIFO-Reinsertion. */
export const clock = policy({
  name: 'clock',
  summary: 'evicts the oldest expert that was not used since the hand last passed it',
  cites: 'Corbato, "A paging experiment with the Multics system", MIT Project MAC, 1968',
  parameters: { bits: { default: 1, min: 1, max: 6, description: 'bits of the counter of chances' } },
  create: ({ experts }, { bits }) => new Clock(experts, 2 ** Math.floor(bits) - 1),
});

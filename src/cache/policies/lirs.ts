import { IdLists } from '../id-lists.js';
import { type CachePolicy, NONE, type Pins, type PolicyContext, policy } from '../policy.js';
import { shareBytes } from '../share.js';

/** Short reuse distance, kept; long, next to leave; not resident. */
const GONE = 0;
const LIR = 1;
const HIR = 2;

class Lirs implements CachePolicy {
  /** Stack S, newest first: LIR experts, and all experts used since the oldest LIR expert, gone included. */
  readonly #stack: IdLists;
  readonly #inStack: Uint8Array;
  /** Queue Q: resident HIR experts. */
  readonly #queue: IdLists;
  readonly #state: Uint8Array;
  readonly #sizes: Float64Array;
  readonly #limit: (capacityBytes: number) => number;
  #lirLimit = 0;
  #lirBytes = 0;

  constructor(context: PolicyContext, hirShare: number) {
    const { experts, sizes } = context;
    this.#stack = new IdLists(experts);
    this.#queue = new IdLists(experts);
    this.#inStack = new Uint8Array(experts);
    this.#state = new Uint8Array(experts);
    this.#sizes = sizes;
    this.#limit = (capacityBytes) => capacityBytes - shareBytes({ ...context, capacityBytes }, hirShare);
    this.resized(context.capacityBytes);
  }

  touch(id: number): void {
    if (this.#state[id] === LIR) {
      this.#stack.moveToFront(this.#stack.end, id);
      this.#prune();
    } else if (this.#inStack[id] === 1) {
      this.#queue.unlink(id);
      this.#becomeLir(id);
    } else {
      this.#pushStack(id);
      this.#queue.moveToFront(this.#queue.end, id);
    }
  }

  insert(id: number, used: boolean): void {
    if (used && (this.#inStack[id] === 1 || this.#lirBytes + this.#sizes[id]! <= this.#lirLimit)) {
      this.#becomeLir(id);
      return;
    }
    this.#state[id] = HIR;
    this.#queue.pushFront(this.#queue.end, id);
    if (used) this.#pushStack(id);
  }

  remove(id: number): void {
    if (this.#state[id] === LIR) {
      this.#lirBytes -= this.#sizes[id]!;
      this.#dropFromStack(id);
      this.#prune();
    } else {
      this.#queue.unlink(id);
    }
    this.#state[id] = GONE;
  }

  resized(capacityBytes: number): void {
    this.#lirLimit = this.#limit(capacityBytes);
    while (this.#lirBytes > this.#lirLimit) this.#demoteOldest();
    this.#prune();
  }

  victim(_incoming: number, pins: Pins): number {
    const id = this.#queue.oldest(this.#queue.end, pins);
    if (id !== NONE) return id;
    const list = this.#stack;
    const { end } = list;
    for (let lir = list.newer(end); lir !== end; lir = list.newer(lir)) if (this.#state[lir] === LIR && !pins.has(lir)) return lir;
    return NONE;
  }

  #becomeLir(id: number): void {
    this.#state[id] = LIR;
    this.#lirBytes += this.#sizes[id]!;
    this.#pushStack(id);
    while (this.#lirBytes > this.#lirLimit) this.#demoteOldest();
    this.#prune();
  }

  #demoteOldest(): void {
    this.#prune();
    const id = this.#stack.newer(this.#stack.end);
    this.#lirBytes -= this.#sizes[id]!;
    this.#state[id] = HIR;
    this.#dropFromStack(id);
    this.#queue.pushFront(this.#queue.end, id);
  }

  #pushStack(id: number): void {
    if (this.#inStack[id] === 1) {
      this.#stack.moveToFront(this.#stack.end, id);
      return;
    }
    this.#inStack[id] = 1;
    this.#stack.pushFront(this.#stack.end, id);
  }

  #dropFromStack(id: number): void {
    this.#inStack[id] = 0;
    this.#stack.unlink(id);
  }

  /** Removes non-LIR experts from the stack's bottom: their reuse distance exceeds every LIR expert's. */
  #prune(): void {
    const list = this.#stack;
    const { end } = list;
    for (let id = list.newer(end); id !== end && this.#state[id] !== LIR; id = list.newer(end)) this.#dropFromStack(id);
  }
}

/** LIRS: ranks by the distance between the last two uses; `hir` is the paper's 1 %. */
export const lirs = policy({
  name: 'lirs',
  summary: 'keeps experts with a short distance between their last two uses',
  cites: 'Jiang and Zhang, "LIRS", SIGMETRICS 2002',
  parameters: { hir: { default: 0.01, min: 0, max: 1, description: 'share of the capacity for experts on trial' } },
  create: (context, { hir }) => new Lirs(context, hir),
});

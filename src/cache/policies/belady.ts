import { IdLists } from '../id-lists.js';
import { type CachePolicy, type Clock, NONE, type Pins, type PolicyContext, policy } from '../policy.js';
import { mostResidents } from '../share.js';
import { WinnerTree } from '../winner-tree.js';

class BeladyAdmit implements CachePolicy {
  protected readonly nextUse: Int32Array;
  readonly #tree: WinnerTree;

  constructor(context: PolicyContext) {
    this.nextUse = context.nextUse!;
    this.#tree = new WinnerTree(context.experts, mostResidents(context));
  }

  touch(id: number): void {
    this.#tree.lower(id, -this.nextUse[id]!);
  }

  insert(id: number): void {
    this.#tree.add(id, -this.nextUse[id]!);
  }

  remove(id: number): void {
    this.#tree.delete(id);
  }

  victim(_incoming: number, pins: Pins): number {
    return this.#tree.min(pins);
  }
}

class Belady extends BeladyAdmit {
  /** Streams only a strictly furthest next use: at a tie the newcomer enters. */
  admits(incoming: number, victim: number): boolean {
    return this.nextUse[incoming]! <= this.nextUse[victim]!;
  }
}

/** Belady with a limited look-ahead: the value of a perfect predictor with that horizon. */
class BeladyWindow extends BeladyAdmit {
  readonly #recency: IdLists;
  readonly #clock: Clock;
  readonly #passes: number;
  #pass = 0;
  #firstPass = 0;
  #firstEvent = 0;
  /** Mean events of a finished pass; before, one per layer. */
  #eventsPerPass: number;

  constructor(context: PolicyContext, passes: number) {
    super(context);
    const { experts, clock, layers } = context;
    this.#recency = new IdLists(experts);
    this.#clock = clock;
    this.#passes = passes;
    this.#eventsPerPass = layers;
  }

  override touch(id: number): void {
    this.#pace();
    this.#recency.moveToFront(this.#recency.end, id);
    super.touch(id);
  }

  override insert(id: number): void {
    this.#pace();
    this.#recency.pushFront(this.#recency.end, id);
    super.insert(id);
  }

  override remove(id: number): void {
    this.#recency.unlink(id);
    super.remove(id);
  }

  /** Least recently used expert without a visible use; else the furthest. */
  override victim(incoming: number, pins: Pins): number {
    const horizon = this.#horizon();
    const furthest = super.victim(incoming, pins);
    if (furthest === NONE || this.nextUse[furthest]! <= horizon) return furthest;
    const list = this.#recency;
    const { end } = list;
    for (let id = list.newer(end); id !== end; id = list.newer(id)) if (this.nextUse[id]! > horizon && !pins.has(id)) return id;
    return furthest;
  }

  /** Streams only if the window shows the victim's next use and no earlier use of the newcomer. */
  admits(incoming: number, victim: number): boolean {
    const next = this.nextUse[victim]!;
    return next > this.#horizon() || this.nextUse[incoming]! <= next;
  }

  #horizon(): number {
    this.#pace();
    // Events count from 1 on the clock, and from 0 in the known future.
    return this.#clock.event - 1 + this.#passes * this.#eventsPerPass;
  }

  #pace(): void {
    const { event, pass } = this.#clock;
    if (pass === this.#pass) return;
    if (this.#pass === 0) {
      this.#firstPass = pass;
      this.#firstEvent = event;
    } else this.#eventsPerPass = (event - this.#firstEvent) / (pass - this.#firstPass);
    this.#pass = pass;
  }
}

/**
 * MIN with bypass, under pins and order: evicts the resident used furthest in the future, or streams a newcomer used
 * further still. Optimal for equal sizes.
 */
export const belady = policy({
  name: 'belady',
  summary: 'evicts the expert whose next use is furthest; streams the incoming one where that is it',
  cites: 'Belady, IBM Systems Journal 5(2), 1966; Mattson et al., IBM Systems Journal 9(2), 1970',
  needs: ['future'],
  create: (context) => new Belady(context),
});

/** MIN of classical cache simulators: the incoming expert always enters. */
export const beladyAdmit = policy({
  name: 'belady-admit',
  summary: 'evicts the expert whose next use is furthest; always admits',
  cites: 'Belady, IBM Systems Journal 5(2), 1966; Mattson et al., IBM Systems Journal 9(2), 1970',
  needs: ['future'],
  create: (context) => new BeladyAdmit(context),
});

/** Belady with bypass and a look-ahead of `window` passes (tokens, at batch 1), then least recently used. */
export const beladyWindow = policy({
  name: 'belady-window',
  summary: 'as belady, but sees only a window of tokens ahead',
  cites: 'Belady, IBM Systems Journal 5(2), 1966, with a bounded look-ahead',
  parameters: { window: { default: 16, min: 0, description: 'passes (tokens, at batch 1) of look-ahead' } },
  needs: ['future'],
  create: (context, { window }) => new BeladyWindow(context, window),
});

// Belady's MIN: evicts the expert whose next use is furthest, which no real system can know. It keeps to pins and order as every policy does;
// the bound in every result (L15) does not, and hits a little more.
import type { CachePolicy, Pins, PolicyContext, PolicyDefinition } from '../policy.js';
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
    this.#tree.update(id, -this.nextUse[id]!);
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
  /** Streamed only where its own next use is strictly the furthest: at a tie the newcomer enters. */
  admits(incoming: number, victim: number): boolean {
    return this.nextUse[incoming]! <= this.nextUse[victim]!;
  }
}

const cites = 'Belady, IBM Systems Journal 5(2), 1966; Mattson et al., IBM Systems Journal 9(2), 1970';

/** MIN with bypass: the incoming expert is streamed where its own next use is the furthest. Optimal for equal sizes. No parameters. */
export const belady: PolicyDefinition = {
  name: 'belady',
  summary: 'evicts the expert whose next use is furthest; streams the incoming one where that is it',
  cites,
  needs: ['future'],
  create: (context) => new Belady(context),
};

/** MIN as classical cache simulators have it: the incoming expert always enters. No parameters. */
export const beladyAdmit: PolicyDefinition = {
  name: 'belady-admit',
  summary: 'evicts the expert whose next use is furthest; always admits',
  cites,
  needs: ['future'],
  create: (context) => new BeladyAdmit(context),
};

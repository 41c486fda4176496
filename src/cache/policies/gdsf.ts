import { BranchlessTree } from '../branchless-tree.js';
import { type CachePolicy, NONE, type Pins, type PolicyContext, policy } from '../policy.js';
import { mostResidents } from '../share.js';

class Gdsf implements CachePolicy {
  readonly #uses: Float64Array;
  readonly #value: Float64Array;
  readonly #tree: BranchlessTree;
  /** Priority of the last victim, the start of newcomers. */
  #inflation = 0;
  #candidate = NONE;

  constructor(context: PolicyContext, byBytes: boolean) {
    const { experts, sizes } = context;
    this.#uses = new Float64Array(experts);
    const mean = sizes.reduce((sum, size) => sum + size, 0) / experts;
    this.#value = sizes.map((size) => (byBytes ? 1 : mean / size));
    this.#tree = new BranchlessTree(experts, mostResidents(context));
  }

  touch(id: number): void {
    this.#uses[id]! += 1;
    this.#tree.raise(id, this.#inflation + this.#uses[id]! * this.#value[id]!);
  }

  insert(id: number, used: boolean): void {
    this.#uses[id] = used ? 1 : 0;
    this.#tree.add(id, this.#inflation + this.#uses[id]! * this.#value[id]!);
  }

  remove(id: number): void {
    if (id === this.#candidate) this.#inflation = this.#tree.keyOf(id);
    this.#candidate = NONE;
    this.#tree.delete(id);
  }

  victim(_incoming: number, pins: Pins): number {
    return (this.#candidate = this.#tree.min(pins));
  }
}

/** Greedy-dual-size-frequency: priority = inflation + uses x cost / size. `cost`: `miss` or `bytes`. */
export const gdsf = policy({
  name: 'gdsf',
  summary: 'evicts the least priority = age + uses x cost / size; prefers to keep small experts',
  cites: 'Cherkasova, HP Labs report HPL-98-69R1, 1998',
  parameters: { cost: { default: 'miss', values: ['miss', 'bytes'], description: 'what a miss costs' } },
  create: (context, { cost }) => new Gdsf(context, cost === 'bytes'),
});

import type { CachePolicy, Pins, PolicyContext } from './policy.js';
import { mostResidents } from './share.js';
import { WinnerTree } from './winner-tree.js';

/** Ranks by a number changed only at uses; the smallest leaves. */
export abstract class Keyed implements CachePolicy {
  protected abstract readonly keys: Float64Array;
  protected readonly tree: WinnerTree;

  constructor(context: PolicyContext) {
    this.tree = new WinnerTree(context.experts, mostResidents(context));
  }

  abstract streamed(id: number): void;

  touch(id: number): void {
    this.streamed(id);
    this.tree.raise(id, this.keys[id]!);
  }

  insert(id: number, used: boolean): void {
    if (used) this.streamed(id);
    this.tree.add(id, this.keys[id]!);
  }

  remove(id: number): void {
    this.tree.delete(id);
  }

  victim(_incoming: number, pins: Pins): number {
    return this.tree.min(pins);
  }
}

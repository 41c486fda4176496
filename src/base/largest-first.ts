/** Multiset of numbers, removed largest first: a binary heap with logarithmic operations. */
export class LargestFirst {
  /** Entry i is at least entries 2 i + 1 and 2 i + 2. */
  readonly #heap: number[] = [];

  push(value: number): void {
    const heap = this.#heap;
    let at = heap.push(value) - 1;
    for (let above = (at - 1) >> 1; at > 0 && heap[above]! < value; above = (at - 1) >> 1) {
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = value;
  }

  /** Removes the largest number; null if empty. */
  pop(): number | null {
    const heap = this.#heap;
    const largest = heap[0] ?? null;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return largest;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if (below + 1 < heap.length && heap[below + 1]! > heap[below]!) below++;
      if (heap[below]! <= last) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return largest;
  }
}

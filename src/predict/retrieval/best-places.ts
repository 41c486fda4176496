/** Bits of the bucket number. Ours. */
const BUCKET_BITS = 7;

/** Best places of a list in linear time: buckets, then Hoare's selection; ties keep list order. */
export class BestPlaces {
  /** Found places in list order, and similarities. */
  readonly places: Int32Array;
  readonly similarity: Int32Array;
  count = 0;
  readonly most: number;
  readonly #order: Int32Array;
  readonly #counts = new Int32Array(2 ** BUCKET_BITS);

  constructor(most: number, listed: number) {
    this.most = most;
    this.places = new Int32Array(most);
    this.similarity = new Int32Array(most);
    this.#order = new Int32Array(listed);
  }

  /** @param list pairs of place and similarity, `list[from .. to)` @param least lower bound of similarities */
  take(list: Int32Array, from: number, to: number, least: number): void {
    const { most, places, similarity } = this;
    let limit = least;
    let equal = most;
    if (to - from > 2 * most) {
      limit = this.#limit(list, from, to, least);
      for (let at = from + 1; at < to; at += 2) if (list[at]! > limit) equal--;
    }
    let kept = 0;
    for (let at = from; at < to; at += 2) {
      const value = list[at + 1]!;
      if (value < limit || (value === limit && equal-- <= 0)) continue;
      places[kept] = list[at]!;
      similarity[kept++] = value;
    }
    this.count = kept;
  }

  /** The m-th largest similarity, by bucket counts and selection in the m-th's bucket. */
  #limit(list: Int32Array, from: number, to: number, least: number): number {
    let largest = least;
    for (let at = from + 1; at < to; at += 2) if (list[at]! > largest) largest = list[at]!;
    const shift = Math.max(0, 32 - Math.clz32(largest - least) - BUCKET_BITS);
    const counts = this.#counts.fill(0);
    for (let at = from + 1; at < to; at += 2) counts[(list[at]! - least) >> shift]! += 1;
    let bucket = counts.length - 1;
    let wanted = this.most;
    for (; counts[bucket]! < wanted; bucket--) wanted -= counts[bucket]!;
    const order = this.#order;
    let count = 0;
    for (let at = from + 1; at < to; at += 2) if ((list[at]! - least) >> shift === bucket) order[count++] = list[at]!;
    return this.#largest(count, wanted);
  }

  #largest(count: number, m: number): number {
    const order = this.#order;
    const wanted = m - 1;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const pivot = order[(low + high) >> 1]!;
      let i = low;
      let j = high;
      while (i <= j) {
        while (order[i]! > pivot) i++;
        while (order[j]! < pivot) j--;
        if (i > j) continue;
        const swap = order[i]!;
        order[i++] = order[j]!;
        order[j--] = swap;
      }
      if (wanted <= j) high = j;
      else if (wanted >= i) low = i;
      else break;
    }
    return order[wanted]!;
  }
}

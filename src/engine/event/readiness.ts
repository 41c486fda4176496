// Readiness of the members of an event: in order of arrival, or all with the last of them.

/** Insertion sort of members by readiness, ties in the order of L3: demands are few and mostly in order. */
export function sortByReadiness(order: Int32Array, count: number, readyNs: Float64Array): void {
  for (let k = 1; k < count; k++) {
    const i = order[k]!;
    const ns = readyNs[i]!;
    let at = k;
    for (; at > 0; at--) {
      const before = order[at - 1]!;
      if (readyNs[before]! < ns || (readyNs[before] === ns && before < i)) break;
      order[at] = before;
    }
    order[at] = i;
  }
}

/** Makes the first `count` members ready when the last one is, for runtimes that wait for all copies. */
export function arriveTogether(members: Int32Array, count: number, readyNs: Float64Array): void {
  let lastNs = 0;
  for (let k = 0; k < count; k++) lastNs = Math.max(lastNs, readyNs[members[k]!]!);
  for (let k = 0; k < count; k++) readyNs[members[k]!] = lastNs;
}

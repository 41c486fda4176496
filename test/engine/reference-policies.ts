// Reference for the cache: policies as plain lists, and a cache that asks them (L4-L6).
import { layerOfExperts, type Scope } from '../../src/cache/scope.js';
import type { ModelSpec } from '../../src/model/spec.js';

/** Ranks residents. Ids are dense. */
export interface ReferencePolicy {
  touch(id: number): void;
  insert(id: number, used: boolean): void;
  remove(id: number): void;
  /** The running event uses `id`, which does not become resident. */
  passBy(id: number): void;
  /** Which of these unpinned residents leaves. */
  pick(candidates: readonly number[]): number;
  admits(incoming: number, victim: number): boolean;
}

/** What Belady asks: event number of an expert's next use after the running event. */
export type NextUse = (id: number) => number;

function byAge(touchRenews: boolean): ReferencePolicy {
  let order: number[] = [];
  const drop = (id: number): void => {
    order = order.filter((other) => other !== id);
  };
  return {
    touch(id) {
      if (!touchRenews) return;
      drop(id);
      order.push(id);
    },
    insert: (id) => void order.push(id),
    remove: drop,
    passBy: () => {},
    pick: (candidates) => order.find((id) => candidates.includes(id))!,
    admits: () => true,
  };
}

/** Smallest by each key in turn, then by id. */
function least(candidates: readonly number[], ...keys: ((id: number) => number)[]): number {
  const order = [...candidates].sort((a, b) => {
    for (const key of keys) if (key(a) !== key(b)) return key(a) - key(b);
    return a - b;
  });
  return order[0]!;
}

/** Ties go to the one that has gone longest without being used or brought in. */
function lfu(): ReferencePolicy {
  const uses = new Map<number, number>();
  const renewed = new Map<number, number>();
  let now = 0;
  const use = (id: number): void => {
    uses.set(id, (uses.get(id) ?? 0) + 1);
    renewed.set(id, ++now);
  };
  return {
    touch: use,
    insert: (id, used) => {
      if (used) use(id);
      else renewed.set(id, ++now);
    },
    remove: () => {},
    passBy: use,
    pick: (candidates) =>
      least(
        candidates,
        (id) => uses.get(id) ?? 0,
        (id) => renewed.get(id) ?? 0,
      ),
    admits: () => true,
  };
}

function belady(nextUse: NextUse, bypass: boolean): ReferencePolicy {
  return {
    touch: () => {},
    insert: () => {},
    remove: () => {},
    passBy: () => {},
    pick: (candidates) => least(candidates, (id) => -nextUse(id)),
    admits: (incoming, victim) => !bypass || nextUse(incoming) <= nextUse(victim),
  };
}

/** True for an expert that must stay. */
type Pins = (id: number) => boolean;

/** A cache of experts: a set, a capacity, a policy. */
export class ReferenceCache {
  readonly resident = new Set<number>();
  readonly capacityBytes: number;
  readonly #sizes: Float64Array;
  readonly #policy: ReferencePolicy;
  /** Static placement: nothing else may enter. */
  readonly #chosen: ReadonlySet<number> | null;

  constructor(spec: string, ids: readonly number[], sizes: Float64Array, layerOf: Uint16Array, capacityBytes: number, nextUse: NextUse) {
    this.capacityBytes = capacityBytes;
    this.#sizes = sizes;
    this.#policy =
      spec === 'lfu'
        ? lfu()
        : spec.startsWith('belady')
          ? belady(nextUse, spec === 'belady')
          : byAge(spec === 'lru'); /* fifo; static never evicts */
    if (!spec.startsWith('static')) {
      this.#chosen = null;
      return;
    }
    const chosen = new Set<number>();
    const wanted = [...ids].sort((a, b) => layerOf[b]! - layerOf[a]! || a - b);
    const cpuLayers = Number(/cpuLayers=(\d+)/.exec(spec)?.[1] ?? 0);
    for (const id of wanted) {
      if (layerOf[id]! < cpuLayers) continue;
      const bytes = [...chosen].reduce((sum, other) => sum + sizes[other]!, 0);
      if (bytes + sizes[id]! <= capacityBytes) chosen.add(id);
    }
    this.#chosen = chosen;
    for (const id of chosen) this.resident.add(id);
  }

  get usedBytes(): number {
    return [...this.resident].reduce((sum, id) => sum + this.#sizes[id]!, 0);
  }

  touch(id: number): void {
    this.#policy.touch(id);
  }

  /** The running event uses `id` from elsewhere. */
  passBy(id: number): void {
    this.#policy.passBy(id);
  }

  /** L5, L13 (`always`: the policy does not refuse), with the next of `pins` where nothing may leave under the first; @returns the evicted, and whether `id` is resident now. */
  admit(id: number, used: boolean, pins: readonly Pins[], always = false): { admitted: boolean; victims: number[] } {
    const { admitted, victims } = this.#makeRoom(id, pins, always);
    if (admitted) {
      this.resident.add(id);
      this.#policy.insert(id, used);
    } else if (used) this.passBy(id);
    return { admitted, victims };
  }

  /** A resident that others have no part in leaves. */
  leave(id: number): void {
    this.resident.delete(id);
    this.#policy.remove(id);
  }

  #makeRoom(id: number, pins: readonly Pins[], always: boolean): { admitted: boolean; victims: number[] } {
    const victims: number[] = [];
    const refused = { admitted: false, victims };
    if ((this.#chosen !== null && !always && !this.#chosen.has(id)) || this.#sizes[id]! > this.capacityBytes) return refused;
    while (this.usedBytes + this.#sizes[id]! > this.capacityBytes) {
      const own = this.#chosen === null ? [...this.resident] : [];
      const choices = pins.map((pinned) => own.filter((other) => !pinned(other))).filter((candidates) => candidates.length > 0);
      const picked = choices.map((candidates) => this.#policy.pick(candidates));
      const victim = picked.find((other) => always || this.#policy.admits(id, other));
      if (victim === undefined) return refused;
      this.leave(victim);
      victims.push(victim);
    }
    return { admitted: true, victims };
  }
}

/** The cache of each layer (L6): one for all of them, or one each. */
export function cachesOf(model: ModelSpec, sizes: Float64Array, policy: string, scope: Scope, bytes: number, nextUse: NextUse) {
  const layerOf = layerOfExperts(model);
  const ids = [...layerOf.keys()];
  const own = model.layers.map((layer) => ({ ...layer, expertBytes: sizes[layer.offset]! }));
  const one = new ReferenceCache(policy, ids, sizes, layerOf, bytes, nextUse);
  if (scope === 'global') return own.map(() => one);
  return layerCapacities({ ...model, layers: own }, bytes).map((capacity, layer) => {
    const there = ids.filter((id) => layerOf[id] === layer);
    return new ReferenceCache(policy, there, sizes, layerOf, capacity, nextUse);
  });
}

/** L6: whole experts of an equal share for each layer, the rest to the earliest layers in turn. @returns bytes per layer */
export function layerCapacities(model: ModelSpec, capacityBytes: number): number[] {
  const slots = model.layers.map(({ experts, expertBytes }) =>
    Math.min(experts, Math.floor(capacityBytes / model.layers.length / expertBytes)),
  );
  for (let given = true; given; ) {
    given = false;
    for (const { index, experts, expertBytes } of model.layers) {
      const used = model.layers.reduce((sum, layer) => sum + slots[layer.index]! * layer.expertBytes, 0);
      if (slots[index]! < experts && used + expertBytes <= capacityBytes) {
        slots[index]! += 1;
        given = true;
      }
    }
  }
  return model.layers.map(({ index, expertBytes }) => slots[index]! * expertBytes);
}

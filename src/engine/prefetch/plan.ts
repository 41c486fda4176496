import { UNPINNED } from '../../cache/policy.js';
import type { CachedTier } from '../transfer/tier.js';
import type { Gpu } from '../vocabulary/gpu.js';

/**
 * L11: planned prefetches of a pass, nearest layer first, then by probability; entries are places in the plan,
 * ascending.
 */
export class PrefetchPlan {
  readonly #layerOf: Uint16Array;
  readonly #gpu: CachedTier;
  readonly #dram: CachedTier | null;
  /** Expert by entry; entries before `#first` belong to known layers. */
  readonly #ids: Int32Array;
  /** By entry: time of planning, ns, the earliest start. */
  readonly #issuedNs: Float64Array;
  #first = 0;
  #count = 0;
  /** Entries before this one wait no more. */
  #head = 0;
  /** By dense id: 1 during a wait for the transfer. */
  readonly #queued: Uint8Array;
  /** By dense id: 1 during a wait for a slot; and the number of such experts. */
  readonly #refused: Uint8Array;
  #refusedCount = 0;

  /** @param gpu destination: GPU and a caching DRAM protect planned experts by entry */
  constructor({ dram, gpu, layerOf }: Pick<Gpu, 'dram' | 'gpu' | 'layerOf'>) {
    const experts = layerOf.length;
    this.#layerOf = layerOf;
    this.#gpu = gpu;
    this.#dram = dram;
    this.#ids = new Int32Array(experts);
    this.#issuedNs = new Float64Array(experts);
    this.#queued = new Uint8Array(experts);
    this.#refused = new Uint8Array(experts);
  }

  idOf(entry: number): number {
    return this.#ids[entry]!;
  }

  /** Earliest start of an entry's transfer, ns. */
  issuedNs(entry: number): number {
    return this.#issuedNs[entry]!;
  }

  /** Appends an expert. @param waits 1: for its transfer; 0: on the GPU already, planned to stay */
  add(id: number, issuedNs: number, waits: number): void {
    const entry = this.#count++;
    this.#ids[entry] = id;
    this.#issuedNs[entry] = issuedNs;
    this.#gpu.planned(id, entry);
    this.#dram?.planned(id, entry);
    this.#queued[id] = waits;
  }

  /** First entry in wait for its transfer; -1: none. */
  next(): number {
    while (this.#head < this.#count && this.#queued[this.#ids[this.#head]!] === 0) this.#head++;
    return this.#head < this.#count ? this.#head : -1;
  }

  nextAfter(entry: number): number {
    for (let next = entry + 1; next < this.#count; next++) if (this.#queued[this.#ids[next]!] === 1) return next;
    return -1;
  }

  /** The transfer has started or is not needed. */
  started(id: number): void {
    this.#queued[id] = 0;
  }

  /** No slot for an expert, which waits for one. */
  refused(id: number): void {
    this.#refused[id] = 1;
    this.#refusedCount++;
  }

  /** A demanded or promoted expert waits for nothing. */
  satisfied(id: number): void {
    this.#queued[id] = 0;
    if (this.#refusedCount > 0) this.#forgive(id);
  }

  /** Retries waits for slots after unpinning at `nowNs`. */
  retry(nowNs: number): void {
    if (this.#refusedCount === 0) return;
    for (let entry = this.#count - 1; entry >= this.#first; entry--) {
      const id = this.#ids[entry]!;
      if (this.#refused[id] === 0) continue;
      this.#forgive(id);
      this.#requeue(entry, nowNs);
    }
  }

  /** Replans `victims` of a tier's last admission: the GPU's at once, DRAM's from `nowNs` on. */
  lost(tier: CachedTier, nowNs: number): void {
    const { victimCount, victims } = tier;
    const again = tier === this.#gpu;
    for (let k = 0; k < victimCount; k++) {
      const entry = tier.planRank(victims[k]!);
      if (entry === UNPINNED) continue;
      if (again) {
        // Without a slot, and promoted meanwhile.
        if (this.#refusedCount > 0) this.#forgive(this.#ids[entry]!);
        this.#requeue(entry, nowNs);
      } else this.#issuedNs[entry] = Math.max(this.#issuedNs[entry]!, nowNs);
    }
  }

  /** Drops entries of layers up to `layer`. @returns those still waiting */
  dropUntil(layer: number): number {
    let end = this.#first;
    while (end < this.#count && this.#layerOf[this.#ids[end]!]! <= layer) end++;
    const waited = this.#drop(end);
    this.#first = end;
    this.#head = Math.max(this.#head, end);
    return waited;
  }

  /** Drops all entries. @returns those still waiting */
  clear(): number {
    const waited = this.#drop(this.#count);
    this.#first = this.#count = this.#head = 0;
    return waited;
  }

  #requeue(entry: number, nowNs: number): void {
    this.#queued[this.#ids[entry]!] = 1;
    this.#issuedNs[entry] = Math.max(this.#issuedNs[entry]!, nowNs);
    this.#head = Math.min(this.#head, entry);
  }

  #forgive(id: number): void {
    this.#refusedCount -= this.#refused[id]!;
    this.#refused[id] = 0;
  }

  #drop(end: number): number {
    const ids = this.#ids;
    const queued = this.#queued;
    let waited = 0;
    for (let entry = this.#first; entry < end; entry++) {
      const id = ids[entry]!;
      waited += queued[id]!;
      queued[id] = 0;
      this.#gpu.planned(id, UNPINNED);
    }
    if (this.#refusedCount > 0) waited += this.#forgiveUntil(end);
    if (this.#dram !== null) for (let entry = this.#first; entry < end; entry++) this.#dram.planned(ids[entry]!, UNPINNED);
    return waited;
  }

  #forgiveUntil(end: number): number {
    const before = this.#refusedCount;
    for (let entry = this.#first; entry < end; entry++) this.#forgive(this.#ids[entry]!);
    return before - this.#refusedCount;
  }
}

import { UNPINNED } from '../../cache/policy.js';
import type { CachedTier } from '../transfer/tier.js';
import type { Gpu } from '../vocabulary/gpu.js';

/** L11: nearest layer first, then by probability. An entry is a place, smaller first. */
export class PrefetchPlan {
  readonly #layerOf: Uint16Array;
  readonly #gpu: CachedTier;
  readonly #dram: CachedTier | null;
  /** Expert of each entry; known layers' entries lie before `#first`. */
  readonly #ids: Int32Array;
  /** Planning time of each entry, ns: earliest start of its transfer. */
  readonly #issuedNs: Float64Array;
  #first = 0;
  #count = 0;
  #head = 0;
  /** By dense id: 1 while waiting for the transfer. */
  readonly #queued: Uint8Array;
  /** By dense id: 1 while waiting for a slot; and number waiting. */
  readonly #refused: Uint8Array;
  #refusedCount = 0;

  /** @param gpu destination; GPU and DRAM cache protect planned experts by entry */
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

  issuedNs(entry: number): number {
    return this.#issuedNs[entry]!;
  }

  /** @param waits 1: waits for its transfer; 0: on the GPU, planned in order to stay */
  add(id: number, issuedNs: number, waits: number): void {
    const entry = this.#count++;
    this.#ids[entry] = id;
    this.#issuedNs[entry] = issuedNs;
    this.#gpu.planned(id, entry);
    this.#dram?.planned(id, entry);
    this.#queued[id] = waits;
  }

  /** First entry waiting for its transfer; -1: no entry. */
  next(): number {
    while (this.#head < this.#count && this.#queued[this.#ids[this.#head]!] === 0) this.#head++;
    return this.#head < this.#count ? this.#head : -1;
  }

  nextAfter(entry: number): number {
    for (let next = entry + 1; next < this.#count; next++) if (this.#queued[this.#ids[next]!] === 1) return next;
    return -1;
  }

  started(id: number): void {
    this.#queued[id] = 0;
  }

  refused(id: number): void {
    this.#refused[id] = 1;
    this.#refusedCount++;
  }

  satisfied(id: number): void {
    this.#queued[id] = 0;
    if (this.#refusedCount > 0) this.#forgive(id);
  }

  /** Retries experts without a slot, after slots were unpinned at `nowNs`. */
  retry(nowNs: number): void {
    if (this.#refusedCount === 0) return;
    for (let entry = this.#count - 1; entry >= this.#first; entry--) {
      const id = this.#ids[entry]!;
      if (this.#refused[id] === 0) continue;
      this.#forgive(id);
      this.#requeue(entry, nowNs);
    }
  }

  /** Plans a tier's last `victims` again: GPU victims at once, DRAM victims from `nowNs` on. */
  lost(tier: CachedTier, nowNs: number): void {
    const { victimCount, victims } = tier;
    const again = tier === this.#gpu;
    for (let k = 0; k < victimCount; k++) {
      const entry = tier.planRank(victims[k]!);
      if (entry === UNPINNED) continue;
      if (again) {
        if (this.#refusedCount > 0) this.#forgive(this.#ids[entry]!);
        this.#requeue(entry, nowNs);
      } else this.#issuedNs[entry] = Math.max(this.#issuedNs[entry]!, nowNs);
    }
  }

  /** Drops entries of layers up to `layer`. @returns number still waiting */
  dropUntil(layer: number): number {
    let end = this.#first;
    while (end < this.#count && this.#layerOf[this.#ids[end]!]! <= layer) end++;
    const waited = this.#drop(end);
    this.#first = end;
    this.#head = Math.max(this.#head, end);
    // Room for each expert once: a plan for the next pass follows the last layer.
    if (end === this.#count) this.#first = this.#count = this.#head = 0;
    return waited;
  }

  /** @returns number still waiting */
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

import { within } from '../base/errors.js';
import { type CachePolicy, NONE, type Pins } from './policy.js';

/** Ids are local: dense id less `base`. */
export class ExpertCache {
  /** Dense id of local id 0. */
  readonly base: number;
  readonly experts: number;
  /** 1 if the expert owns a slot: resident, or on the way. */
  readonly resident: Uint8Array;
  readonly sizes: Float64Array;
  readonly pins: Pins;
  /** Changed by {@link resize} only. */
  capacityBytes: number;
  readonly policy: CachePolicy;
  readonly uniform: boolean;
  residentCount = 0;
  evictions = 0;
  insertions = 0;
  /** Experts evicted by the last `admit`: the first `victimCount` entries. */
  readonly victims: Int32Array;
  victimCount = 0;

  readonly #selective: boolean;
  readonly #bypassing: boolean;
  readonly #counting: boolean;
  readonly #expertBytes: number;
  #slots: number;
  readonly #mostBytes: number;
  #bytes = 0;

  /** @param sizes bytes by local id @param capacityBytes less than one expert: all is streamed */
  constructor(base: number, sizes: Float64Array, capacityBytes: number, pins: Pins, policy: CachePolicy) {
    within('L6', 'capacity of a cache, bytes,', capacityBytes);
    this.base = base;
    this.experts = sizes.length;
    this.sizes = sizes;
    this.capacityBytes = capacityBytes;
    this.pins = pins;
    this.policy = policy;
    this.resident = new Uint8Array(sizes.length);
    this.victims = new Int32Array(sizes.length);
    this.uniform = isUniform(sizes);
    this.#expertBytes = sizes[0] ?? 0;
    this.#slots = this.#slotsOf(capacityBytes);
    this.#mostBytes = capacityBytes;
    this.#selective = policy.admits !== undefined;
    this.#bypassing = policy.bypasses !== undefined;
    this.#counting = policy.streamed !== undefined;
  }

  get usedBytes(): number {
    return this.uniform ? this.residentCount * this.#expertBytes : this.#bytes;
  }

  touch(id: number): void {
    this.policy.touch(id);
  }

  /**
   * Makes room for `id` and inserts it (L5). @param used false: a prefetch @param always the policy cannot refuse
   * @returns false: streamed
   */
  admit(id: number, used = true, always = false): boolean {
    this.victimCount = 0;
    if (this.#bypassing && !always && this.policy.bypasses!(id)) return this.#refuse(id, used);
    if (!this.uniform) return this.#admitBySize(id, used, always);
    if (this.residentCount < this.#slots) {
      this.residentCount++;
    } else {
      if (this.residentCount > this.#slots) return this.#admitBySize(id, used, always);
      const victim = this.policy.victim(id, this.pins);
      if (victim === NONE || (this.#selective && !always && !this.policy.admits!(id, victim))) return this.#refuse(id, used);
      this.evictions++;
      this.victims[0] = victim;
      this.victimCount = 1;
      this.resident[victim] = 0;
      this.policy.remove(victim);
    }
    this.insertions++;
    this.resident[id] = 1;
    this.policy.insert(id, used);
    return true;
  }

  #admitBySize(id: number, used: boolean, always: boolean): boolean {
    const bytes = this.sizes[id]!;
    if (bytes > this.capacityBytes) return this.#refuse(id, used);
    while (this.usedBytes + bytes > this.capacityBytes) {
      const victim = this.policy.victim(id, this.pins);
      if (victim === NONE || (this.#selective && !always && !this.policy.admits!(id, victim))) return this.#refuse(id, used);
      this.evictions++;
      this.victims[this.victimCount++] = victim;
      this.remove(victim);
    }
    this.insertions++;
    this.#insert(id, used);
    return true;
  }

  /**
   * Changes the capacity; evicts into `victims`. @returns false: pinned experts remain ({@link trim}) @throws Error
   * above the initial capacity
   */
  resize(capacityBytes: number): boolean {
    if (capacityBytes > this.#mostBytes) throw new Error(`a cache of ${this.#mostBytes} bytes cannot grow to ${capacityBytes}`);
    if (capacityBytes !== this.capacityBytes) {
      this.capacityBytes = capacityBytes;
      this.#slots = this.#slotsOf(capacityBytes);
      this.policy.resized?.(capacityBytes);
    }
    return this.trim();
  }

  /** Evicts into `victims` until residents fit. @returns false: the rest is pinned */
  trim(): boolean {
    this.victimCount = 0;
    while (this.usedBytes > this.capacityBytes) {
      const victim = this.policy.victim(NONE, this.pins);
      if (victim === NONE) return false;
      this.evictions++;
      this.victims[this.victimCount++] = victim;
      this.remove(victim);
    }
    return true;
  }

  #slotsOf(capacityBytes: number): number {
    return Math.min(this.experts, Math.floor(capacityBytes / this.#expertBytes));
  }

  #refuse(id: number, used: boolean): false {
    if (this.#counting && used) this.policy.streamed!(id);
    return false;
  }

  remove(id: number): void {
    this.resident[id] = 0;
    this.residentCount--;
    this.#bytes -= this.sizes[id]!;
    this.policy.remove(id);
  }

  /** Inserts the policy's initial residents that fit; not counted. @returns experts inserted */
  preload(): number {
    return this.#insertAll(this.policy.preload?.() ?? []);
  }

  /** Inserts all experts; as {@link preload}. */
  preloadAll(): number {
    return this.#insertAll(this.sizes.keys());
  }

  #insertAll(ids: Iterable<number>): number {
    let count = 0;
    for (const id of ids) {
      if (this.resident[id] === 1 || this.usedBytes + this.sizes[id]! > this.capacityBytes) continue;
      this.#insert(id, false);
      count++;
    }
    return count;
  }

  #insert(id: number, used: boolean): void {
    this.resident[id] = 1;
    this.residentCount++;
    this.#bytes += this.sizes[id]!;
    this.policy.insert(id, used);
  }
}

/** True if all sizes are equal. */
export function isUniform(sizes: Float64Array): boolean {
  for (let id = 1; id < sizes.length; id++) if (sizes[id] !== sizes[0]) return false;
  return true;
}

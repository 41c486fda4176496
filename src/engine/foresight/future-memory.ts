import { DemandBits } from './demand-bits.js';
import { type DemandBlock, FAR } from './demand-block.js';
import { LateSet } from './late-set.js';

/** Most demands to a near use, before a near resident had to be evicted. Ours. */
const NEAR = 1 << 10;
/** Lengths of the near range without a search, before the range doubles. Ours. */
const QUIET = 32;

/** A resident's key is its next demand; far demands form a set, evicted first. */
export class FutureMemory {
  readonly missing: DemandBits;
  /** Arrival of residents, ns; unused in on-demand memories. */
  readonly arrivalNs: Float64Array;
  readonly atNs = new Float64Array(1);
  readonly #sizes: Float64Array;
  readonly #capacityBytes: number;
  #usedBytes = 0;
  /** By dense id, between blocks: 1 if resident. */
  readonly #resident: Uint8Array;
  readonly #block: DemandBlock;
  /** Next demands of residents (all far demands) and of some evicted experts. */
  readonly #late: LateSet;
  #near = NEAR;
  /** First future demand: demands from `#past + #near` on are in the set. */
  #past = 0;
  /** Demands before `#listed` are listed: the set has all far demands. */
  #listed = 0;
  #complete = -1;
  #fartherAt = 0;
  readonly #seen: Int32Array;
  #looks = 0;

  constructor(block: DemandBlock, sizes: Float64Array, capacityBytes: number) {
    this.#block = block;
    this.#sizes = sizes;
    this.#capacityBytes = capacityBytes;
    const numbers = block.limit + sizes.length;
    this.missing = new DemandBits(numbers);
    this.#late = new LateSet(numbers);
    this.arrivalNs = new Float64Array(sizes.length);
    this.#resident = new Uint8Array(sizes.length);
    this.#seen = new Int32Array(sizes.length);
  }

  begin(): void {
    const { first } = this.#block;
    this.missing.clear();
    this.#late.clear();
    this.#past = this.#listed = this.#complete = 0;
    this.#fartherAt = QUIET * this.#near;
    for (let id = 0; id < first.length; id++) {
      if (this.#resident[id] === 1) this.#late.add(first[id]!);
      else this.missing.add(first[id]!);
    }
  }

  preload(): void {
    const { first, limit } = this.#block;
    const order = Array.from(first.keys()).sort((a, b) => first[a]! - first[b]!);
    for (const id of order) if (this.makeRoom(id, limit + first.length)) this.insert(id, first[id]!);
  }

  end(): void {
    const { first } = this.#block;
    for (let id = 0; id < this.#resident.length; id++) this.#resident[id] = this.missing.has(first[id]!) ? 0 : 1;
  }

  /** Passes demands before `to`: the block has the residents' next demands. */
  used(to: number): void {
    this.#past = to;
  }

  missed(from: number, to: number): number {
    return this.missing.addNext(from, to, this.#block.next);
  }

  /**
   * Those demanded last and arrived by {@link atNs}. @param before least demand that may leave
   * @returns false: no room
   */
  makeRoom(id: number, before: number): boolean {
    const bytes = this.#sizes[id]!;
    if (bytes > this.#capacityBytes) return false;
    while (this.#usedBytes + bytes > this.#capacityBytes) {
      const demand = this.#last(before);
      if (demand < before) return false;
      const victim = this.#block.expertOf(demand);
      if (this.arrivalNs[victim]! > this.atNs[0]!) return false;
      this.#usedBytes -= this.#sizes[victim]!;
      this.#late.delete(demand);
      this.missing.add(demand);
    }
    return true;
  }

  insert(id: number, next: number): void {
    this.#usedBytes += this.#sizes[id]!;
    this.#late.add(next);
    this.missing.delete(next);
  }

  /** Latest next demand of a resident; any value below `before` if the latest is below. */
  #last(before: number): number {
    const late = this.#late;
    if (this.#listed < this.#past) this.#list();
    for (;;) {
      const demand = late.max();
      if (demand >= 0 && this.missing.has(demand)) late.delete(demand);
      else if (Math.max(demand, before) >= this.#past + this.#near || this.#complete === this.#past) return demand;
      else this.#look();
    }
  }

  #list(): void {
    const { next } = this.#block;
    const late = this.#late;
    const near = this.#near;
    const past = this.#past;
    for (let d = this.#listed; d < past; d++) {
      const demand = next[d]!;
      late.add(demand, (d + near - demand) >>> 31);
    }
    this.#listed = past;
    if (past < this.#fartherAt || near >= FAR) return;
    this.#near = 2 * near;
    this.#fartherAt = past + QUIET * this.#near;
  }

  #look(): void {
    const { demands } = this.#block;
    const seen = this.#seen;
    const look = ++this.#looks;
    const end = Math.min(demands, this.#past + this.#near);
    for (let d = this.#past; d < end; d++) {
      const id = this.#block.expertOf(d);
      if (seen[id] === look) continue;
      seen[id] = look;
      if (!this.missing.has(d)) this.#late.add(d);
    }
    this.#complete = this.#past;
    this.#near >>>= 1;
    this.#fartherAt = this.#past + QUIET * Math.max(NEAR, this.#near);
    if (this.#near === 0) this.#near = 1;
  }
}

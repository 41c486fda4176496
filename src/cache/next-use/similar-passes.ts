import { VOTE, type VoteKernel } from '../../base/votes.js';
import { instantiate } from '../../base/wasm.js';
import { type ModelSpec, mostExperts } from '../../model/door.js';

/** Experts kept per layer: 8,192 passes of 8, or fewer wider passes. */
const CELLS = 65536;
/** Larger events, such as a prompt, form no path. Ours. */
const WIDEST = 64;
/** Layers per pass that count agreement and choose {@link VOTERS}. */
const COUNTED = 6;
/** Most voting passes. */
const VOTERS = 16;
/** Passes covered by a vote. */
const AHEAD = 8;
/** Weight ratio of a vote between consecutive passes. */
const LATER = 0.8;
/** Agreement decay per layer. */
const FADING = 0.98;
/** Exponent of full agreement in a vote's weight. */
const SHARPNESS = 13;
/** Total votes for the passes directly after the voters; whole numbers. */
export const FULL_VOTE = 1024;
/** Gain at which sums are scaled back, before precision is lost. */
const LARGEST_GAIN = 2 ** 20;

/** A circular buffer in order of time. */
interface Users {
  slots: Uint16Array;
  first: number;
  count: number;
}

/**
 * Votes of past passes with similar demand for experts demanded after them. Agreement fades by layer, and carries over
 * from the previous pass.
 */
export class SimilarPasses {
  readonly #model: ModelSpec;
  readonly #stride: number;
  /** Experts kept per layer of a path; passes kept. Powers of two. */
  #width: number;
  #kept = 0;
  /** `[layers, kept, width]` demanded experts within their layer, padded with `#empty`. */
  readonly #paths: Uint16Array;
  /** By dense id, at counted layers. */
  #users: (Users | null)[] = [];
  /** By slot: experts shared with the running and earlier passes, times the gain. */
  #agreement = new Float32Array(0);
  #full = 0;
  #gain = 1;
  #begun = 0;
  #lastLayer = Number.POSITIVE_INFINITY;
  readonly #voters = new Int32Array(VOTERS);
  readonly #kernel: VoteKernel;
  /** Slots with votes: path address at the first layer, votes; their number. */
  readonly #behind: Int32Array;
  #behindCount = 0;
  readonly #votes: Int32Array;
  /** By slot: index in `#behind`, or -1. */
  #place = new Int32Array(0);
  readonly #empty: number;

  constructor(model: ModelSpec) {
    const topK = model.layers.reduce((most, layer) => Math.max(most, layer.topK), 1);
    this.#model = model;
    this.#empty = mostExperts(model);
    this.#stride = Math.max(1, Math.floor(model.layers.length / COUNTED));
    const votes = 8 * VOTERS * AHEAD;
    const paths = votes + 4 * (this.#empty + 1);
    const cells = CELLS * model.layers.length;
    const { kernels, memory } = instantiate<VoteKernel>({ vote: VOTE }, paths + 2 * cells);
    this.#kernel = kernels;
    this.#behind = new Int32Array(memory.buffer, 0, 2 * VOTERS * AHEAD);
    this.#votes = new Int32Array(memory.buffer, votes, this.#empty + 1);
    this.#paths = new Uint16Array(memory.buffer, paths, cells);
    this.#width = powerOfTwo(Math.min(topK, WIDEST));
    this.#restart();
  }

  /** Adds demand `ids[0 .. size)` of a layer, dense ids. Layers come in order; an earlier layer begins a pass. */
  demanded(layer: number, ids: Int32Array, size: number): void {
    if (size > this.#width && size <= WIDEST) {
      this.#width = powerOfTwo(size);
      this.#restart();
    }
    if (layer <= this.#lastLayer) this.#begin();
    this.#lastLayer = layer;
    const slot = (this.#begun - 1) & (this.#kept - 1);
    const kept = size <= this.#width ? size : 0;
    const counted = layer % this.#stride === 0;
    if (counted) {
      this.#count(ids, kept);
      this.#forget(layer, slot);
    }
    this.#keep(layer, slot, ids, kept);
    if (counted) {
      this.#remember(slot, ids, kept);
      this.#choose(slot);
    }
  }

  /**
   * Writes votes for next uses of a layer's experts: {@link FULL_VOTE} in total, times {@link LATER} per later pass.
   */
  write(layer: number, into: Int32Array): void {
    const votes = this.#votes.fill(0);
    const bytes = 2 * this.#width;
    if (this.#behindCount > 0) this.#kernel.vote(0, 8 * this.#behindCount, layer * this.#kept * bytes, bytes, votes.byteOffset);
    into.set(votes);
  }

  #restart(): void {
    const { experts, layers } = this.#model;
    this.#kept = CELLS / this.#width;
    this.#paths.fill(this.#empty);
    this.#place = new Int32Array(this.#kept).fill(-1);
    this.#users = new Array<Users | null>(experts).fill(null);
    for (const { experts: count, index, offset } of layers) {
      if (index % this.#stride !== 0) continue;
      for (let id = offset; id < offset + count; id++) this.#users[id] = { slots: new Uint16Array(64), first: 0, count: 0 };
    }
    this.#agreement = new Float32Array(this.#kept);
    this.#begun = 0;
    this.#lastLayer = Number.POSITIVE_INFINITY;
    this.#behindCount = 0;
    this.#full = 0;
    this.#gain = 1;
  }

  /** Shifts agreement by one slot: a path that followed the last pass may follow the new pass. */
  #begin(): void {
    const agreement = this.#agreement;
    const wrapped = agreement[this.#kept - 1]!;
    agreement.copyWithin(1, 0, this.#kept - 1);
    agreement[0] = wrapped;
    agreement[this.#begun & (this.#kept - 1)] = 0;
    this.#begun++;
    if (this.#gain < LARGEST_GAIN) return;
    for (let s = 0; s < agreement.length; s++) agreement[s]! /= this.#gain;
    this.#full /= this.#gain;
    this.#gain = 1;
  }

  #count(ids: Int32Array, size: number): void {
    const agreement = this.#agreement;
    const gain = this.#gain;
    for (let i = 0; i < size; i++) {
      const { count, first, slots } = this.#users[ids[i]!]!;
      const mask = slots.length - 1;
      for (let k = first; k < first + count; k++) agreement[slots[k & mask]!]! += gain;
    }
    this.#full += gain * size;
    this.#gain = gain / FADING ** this.#stride;
  }

  #forget(layer: number, slot: number): void {
    const { offset } = this.#model.layers[layer]!;
    const from = (layer * this.#kept + slot) * this.#width;
    for (let at = from; at < from + this.#width && this.#paths[at] !== this.#empty; at++) {
      const users = this.#users[offset + this.#paths[at]!]!;
      users.first = (users.first + 1) & (users.slots.length - 1);
      users.count--;
    }
  }

  #keep(layer: number, slot: number, ids: Int32Array, size: number): void {
    const { offset } = this.#model.layers[layer]!;
    const to = (layer * this.#kept + slot) * this.#width;
    for (let i = 0; i < size; i++) this.#paths[to + i] = ids[i]! - offset;
    this.#paths.fill(this.#empty, to + size, to + this.#width);
  }

  #remember(slot: number, ids: Int32Array, size: number): void {
    for (let i = 0; i < size; i++) {
      const users = this.#users[ids[i]!]!;
      if (users.count === users.slots.length) grow(users);
      users.slots[(users.first + users.count++) & (users.slots.length - 1)] = slot;
    }
  }

  /** Chooses the best agreeing passes with {@link AHEAD} known later passes; ties to the lower slot. */
  #choose(running: number): void {
    const agreement = this.#agreement;
    const filled = Math.min(this.#begun, this.#kept);
    const voters = this.#voters;
    let count = 0;
    let least = -1;
    for (let s = 0; s < filled; s++) {
      const value = agreement[s]!;
      if (count === VOTERS && value <= least) continue;
      if (((running - s) & (this.#kept - 1)) < AHEAD) continue;
      let at = count < VOTERS ? count++ : VOTERS - 1;
      for (; at > 0 && agreement[voters[at - 1]!]! < value; at--) voters[at] = voters[at - 1]!;
      voters[at] = s;
      if (count === VOTERS) least = agreement[voters[VOTERS - 1]!]!;
    }
    this.#vote(count);
  }

  #vote(count: number): void {
    const best = this.#agreement[this.#voters[0]!]!;
    const scale = SHARPNESS / Math.max(this.#full, Number.MIN_VALUE);
    const weightOf = (v: number): number => Math.exp(scale * (this.#agreement[this.#voters[v]!]! - best));
    const behind = this.#behind;
    const place = this.#place;
    let sum = 0;
    for (let v = 0; v < count; v++) sum += weightOf(v);
    let filled = 0;
    for (let v = 0; v < count; v++) {
      let votes = Math.round((FULL_VOTE * weightOf(v)) / sum);
      for (let d = 1; d <= AHEAD && votes > 0; d++) {
        const slot = (this.#voters[v]! + d) & (this.#kept - 1);
        if (place[slot]! < 0) {
          behind[2 * filled] = this.#paths.byteOffset + 2 * slot * this.#width;
          behind[2 * filled + 1] = 0;
          place[slot] = filled++;
        }
        behind[2 * place[slot]! + 1]! += votes;
        votes = (votes * LATER) | 0;
      }
    }
    for (let v = 0; v < count; v++) for (let d = 1; d <= AHEAD; d++) place[(this.#voters[v]! + d) & (this.#kept - 1)] = -1;
    this.#behindCount = filled;
  }
}

function grow(users: Users): void {
  const { first, slots } = users;
  users.slots = new Uint16Array(2 * slots.length);
  users.slots.set(slots.subarray(first));
  users.slots.set(slots.subarray(0, first), slots.length - first);
  users.first = 0;
}

const powerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(n));

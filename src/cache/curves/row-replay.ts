import type { ModelSpec } from '../../model/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import type { NextUse } from '../next-use/next-use.js';
import { type Clock, UNPINNED } from '../policy.js';
import type { Caches } from '../scope.js';
import { WholeEvents } from '../whole-events.js';

/** `[layers, topK]` expert rows (numbers within the layer, {@link NULL_EXPERT} = none) against one tier's caches. */
export class RowReplay {
  /** By MoE layer. */
  readonly hits: Float64Array;
  readonly #caches: Caches;
  readonly #clock: Clock;
  readonly #topK: number;
  readonly #sequential: boolean;
  readonly #shift: Int32Array;
  readonly #nextUse: Int32Array;
  readonly #members: Int32Array;
  readonly #whole: WholeEvents | null;
  readonly #row;

  /**
   * @param caches built with the same `clock` and `nextUse` @param nextUse by dense id, if the policy needs the future
   */
  constructor(model: ModelSpec, caches: Caches, clock: Clock, topK: number, sequential: boolean, nextUse: Int32Array = new Int32Array(0)) {
    this.#caches = caches;
    this.#clock = clock;
    this.#topK = topK;
    this.#sequential = sequential;
    this.#nextUse = nextUse;
    this.#members = new Int32Array(topK);
    this.#whole = WholeEvents.of(caches.byLayer, model);
    this.#row = { choices: new Uint16Array(0) as Uint16Array, tokens: 1, topK };
    this.#shift = Int32Array.from(model.layers, (layer, l) => layer.offset - caches.byLayer[l]!.base);
    this.hits = new Float64Array(model.layers.length);
  }

  /** Replays rows `[from, to)`. @param next next use of each choice, if the policy needs the future */
  run(experts: Uint16Array, from: number, to: number, next: Int32Array | null = null): void {
    this.#row.choices = experts;
    if (this.#sequential) this.#sequentially(experts, from, to, next);
    else this.#atomically(experts, from, to, next);
  }

  #sequentially(experts: Uint16Array, from: number, to: number, next: Int32Array | null): void {
    const { byLayer, learned } = this.#caches;
    const layers = byLayer.length;
    const topK = this.#topK;
    const clock = this.#clock;
    const nextUse = this.#nextUse;
    let at = from * layers * topK;
    for (let row = from; row < to; row++) {
      clock.pass++;
      for (let layer = 0; layer < layers; layer++) {
        const cache = byLayer[layer]!;
        const { base, resident } = cache;
        const shift = this.#shift[layer]!;
        clock.layer = layer;
        if (learned !== null) this.#learn(learned, experts, at, layer);
        this.#whole?.demanded(layer, this.#row, at, 0);
        let hits = 0;
        for (const end = at + topK; at < end; at++) {
          const expert = experts[at]!;
          if (expert === NULL_EXPERT) continue;
          const id = expert + shift;
          if (next !== null) nextUse[base + id] = next[at]!;
          if (resident[id] === 1) {
            hits++;
            cache.touch(id);
          } else cache.admit(id);
          clock.event++;
        }
        this.hits[layer]! += hits;
      }
    }
  }

  #learn(learned: NextUse, experts: Uint16Array, start: number, layer: number): void {
    const first = this.#shift[layer]! + this.#caches.byLayer[layer]!.base;
    let size = 0;
    for (let at = start; at < start + this.#topK; at++) if (experts[at] !== NULL_EXPERT) this.#members[size++] = first + experts[at]!;
    learned.demanded(layer, this.#members, size);
  }

  #atomically(experts: Uint16Array, from: number, to: number, next: Int32Array | null): void {
    const { byLayer, learned } = this.#caches;
    const layers = byLayer.length;
    const topK = this.#topK;
    const clock = this.#clock;
    const nextUse = this.#nextUse;
    let start = from * layers * topK;
    for (let row = from; row < to; row++) {
      clock.pass++;
      for (let layer = 0; layer < layers; layer++) {
        const cache = byLayer[layer]!;
        const { resident, base } = cache;
        const { rank } = cache.pins;
        const shift = this.#shift[layer]!;
        const end = start + topK;
        clock.layer = layer;
        if (learned !== null) this.#learn(learned, experts, start, layer);
        this.#whole?.demanded(layer, this.#row, start, 0);
        let members = 0;
        let hits = 0;
        for (let at = start; at < end; at++) {
          const expert = experts[at]!;
          if (expert === NULL_EXPERT) continue;
          members++;
          hits += resident[expert + shift]!;
          if (next !== null) nextUse[base + expert + shift] = next[at]!;
        }
        if (members > 0) {
          if (hits === members) {
            // No expert has to leave, so no pins are needed.
            for (let at = start; at < end; at++) {
              const expert = experts[at]!;
              if (expert !== NULL_EXPERT) cache.touch(expert + shift);
            }
          } else {
            for (let at = start; at < end; at++) {
              const expert = experts[at]!;
              if (expert !== NULL_EXPERT) rank[expert + shift] = -1;
            }
            for (let at = start; at < end; at++) {
              const expert = experts[at]!;
              if (expert === NULL_EXPERT) continue;
              const id = expert + shift;
              if (resident[id] === 1) cache.touch(id);
              else cache.admit(id);
            }
            for (let at = start; at < end; at++) {
              const expert = experts[at]!;
              if (expert !== NULL_EXPERT) rank[expert + shift] = UNPINNED;
            }
          }
          this.hits[layer]! += hits;
          clock.event++;
        }
        start = end;
      }
    }
  }
}

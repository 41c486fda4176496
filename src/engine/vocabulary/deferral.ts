import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import type { Recorder } from './recorder.js';

/** Place of an expert never deferred. */
const NEVER = 0xffff;

/** L13 `defer` on a GPU: the CPU computes results needed a layer later during the next layer's dense work. */
export class Deferral {
  /** By CPU queue: end of deferred work, ns. */
  readonly busyNs: Float64Array;
  /** Arrival of earlier layers' deferred results, ns. */
  awaitedNs = 0;
  #pendingNs = 0;
  readonly #model: ModelSpec;
  /** By dense id: place among a token's choices, from 1 at the last choice; the largest over tokens. */
  readonly #fromEnd: Uint16Array;

  constructor(model: ModelSpec, cpuQueues: number) {
    this.#model = model;
    this.busyNs = new Float64Array(cpuQueues);
    this.#fromEnd = new Uint16Array(model.experts);
  }

  /** The last layer defers no results. */
  judge({ choices, row, tokens, topK }: Pass, layer: number): void {
    this.awaitedNs = this.#pendingNs;
    const { experts, offset } = this.#model.layers[layer]!;
    const last = layer === this.#model.layers.length - 1;
    this.#fromEnd.fill(last ? NEVER : 0, offset, offset + experts);
    for (let token = 0; token < tokens && !last; token++) {
      const from = token * row + layer * topK;
      for (let i = from + topK - 1, place = 1; i >= from; i--) {
        if (choices[i] === NULL_EXPERT) continue;
        const id = offset + choices[i]!;
        this.#fromEnd[id] = Math.max(this.#fromEnd[id]!, place++);
      }
    }
  }

  /** True if `id` is among the last `most` choices of all its tokens. */
  defers(id: number, most: number): boolean {
    return this.#fromEnd[id]! <= most;
  }

  add(endNs: number): void {
    this.#pendingNs = Math.max(this.#pendingNs, endNs);
  }

  /** Pass end at `nowNs`: awaits remaining results as part of `layer`. @returns arrival, ns */
  settle(layer: number, nowNs: number, { layers, phase }: Recorder): number {
    const waitedNs = Math.max(0, this.#pendingNs - nowNs);
    layers.stallNs[layer]! += waitedNs;
    phase.stallNs += waitedNs;
    phase.cpuStallNs += waitedNs;
    return nowNs + waitedNs;
  }
}

import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import type { Recorder } from './recorder.js';

/** Place of an expert that no rule defers. */
const NEVER = 0xffff;

/** Experts whose results are needed one layer later (L13, `defer`): the CPU computes them during the next layer's dense work. One GPU. */
export class Deferral {
  /** Time at which each CPU queue finishes its deferred work, ns. */
  readonly busyNs: Float64Array;
  /** Time at which the results deferred by earlier layers are there, which the running event waits for, ns. */
  awaitedNs = 0;
  /** The same with the results deferred by the running event. */
  #pendingNs = 0;
  readonly #model: ModelSpec;
  /** By dense id: place among its token's choices counted from the last, from 1 on; of several tokens the largest. */
  readonly #fromEnd: Uint16Array;

  constructor(model: ModelSpec, cpuQueues: number) {
    this.#model = model;
    this.busyNs = new Float64Array(cpuQueues);
    this.#fromEnd = new Uint16Array(model.experts);
  }

  /** Judges a layer whose routing is known. Choices are in rank order; none of the last layer may wait. */
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

  /** True if expert `id` is among the last `most` choices of every token that chose it. */
  defers(id: number, most: number): boolean {
    return this.#fromEnd[id]! <= most;
  }

  /** Adds a deferred expert whose result is there at `endNs`. */
  add(endNs: number): void {
    this.#pendingNs = Math.max(this.#pendingNs, endNs);
  }

  /** The layers of a pass have ended at `nowNs`: waits for what no event has awaited, as part of layer `layer`. @returns when that is there, ns */
  settle(layer: number, nowNs: number, { layers, phase }: Recorder): number {
    const waitedNs = Math.max(0, this.#pendingNs - nowNs);
    layers.stallNs[layer]! += waitedNs;
    phase.stallNs += waitedNs;
    phase.cpuStallNs += waitedNs;
    return nowNs + waitedNs;
  }
}

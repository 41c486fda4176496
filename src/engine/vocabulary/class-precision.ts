import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';

/** Activations of one class's tokens, and how many of them copies or other experts served. */
export interface ClassServed {
  activations: number;
  degraded: number;
}

/** Precision by class: which members a smaller copy may serve, since only classes that take one chose them (L13), and how many were served so. */
export class ClassPrecision {
  /** Counts by class over all tokens that ran. */
  readonly served: ReadonlyMap<string, ClassServed>;
  readonly #model: ModelSpec;
  /** Class of each request, by `Request.index`. */
  readonly #classOf: Uint32Array;
  /** The precision that each class accepts, and its counters. */
  readonly #copies: Float64Array;
  readonly #classes: readonly ClassServed[];
  /** Needed precision of each expert as a share of its bytes, by dense id: the largest over the tokens that chose it. */
  readonly #needs: Float64Array;
  /** Activations of each expert of the layer by class, one class after another. */
  readonly #counts: Int32Array;
  #offset = 0;

  /** @param requestClass by `Request.index` @param copies share of an expert's bytes that a class is content with; of others, all */
  constructor(model: ModelSpec, requestClass: readonly string[], copies: ReadonlyMap<string, number>) {
    const names = [...new Set(requestClass)];
    this.served = new Map(names.map((name) => [name, { activations: 0, degraded: 0 }]));
    const numbers = new Map(names.map((name, number) => [name, number]));
    this.#model = model;
    this.#classOf = Uint32Array.from(requestClass, (name) => numbers.get(name)!);
    this.#copies = Float64Array.from(names, (name) => copies.get(name) ?? 1);
    this.#classes = [...this.served.values()];
    this.#needs = new Float64Array(model.experts);
    this.#counts = new Int32Array(names.length * model.layers.reduce((most, { experts }) => Math.max(most, experts), 0));
  }

  judge({ choices, request, row, tokens, topK }: Pass, layer: number): void {
    const { experts, offset } = this.#model.layers[layer]!;
    const classes = this.#classes;
    this.#offset = offset;
    this.#needs.fill(0, offset, offset + experts);
    this.#counts.fill(0, 0, experts * classes.length);
    for (let token = 0; token < tokens; token++) {
      const number = this.#classOf[request[token]!]!;
      const copy = this.#copies[number]!;
      const from = token * row + layer * topK;
      for (let i = from; i < from + topK; i++) {
        const expert = choices[i]!;
        if (expert === NULL_EXPERT) continue;
        classes[number]!.activations++;
        this.#counts[expert * classes.length + number]! += 1;
        if (copy > this.#needs[offset + expert]!) this.#needs[offset + expert] = copy;
      }
    }
  }

  /** Share of the bytes of expert `id`, of the layer judged last, that all tokens which chose it are content with, 0..1. */
  needs(id: number): number {
    return this.#needs[id]!;
  }

  /** Counts all activations of expert `id` in the layer judged last as served by a copy or another expert. */
  degraded(id: number): void {
    const from = (id - this.#offset) * this.#classes.length;
    for (const [number, served] of this.#classes.entries()) served.degraded += this.#counts[from + number]!;
  }
}

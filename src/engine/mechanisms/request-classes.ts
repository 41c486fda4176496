import { type ModelSpec, mostExperts } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { anyMiss } from '../../system/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import type { RunHooks } from '../vocabulary/hooks.js';
import type { Mechanism, RunPart } from './mechanism.js';

/** A class's activations, and number served by copies or substitutes. */
export interface ClassServed {
  activations: number;
  degraded: number;
}

/** L13: precision that the tokens of each member need, by their classes; counts of what copies served. */
export class ClassPrecision implements RunHooks {
  /** Over all tokens run. */
  readonly served: ReadonlyMap<string, ClassServed>;
  readonly #model: ModelSpec;
  readonly #classOf: Uint32Array;
  readonly #copies: Float64Array;
  readonly #classes: readonly ClassServed[];
  /** By dense id: needed precision as a share of bytes, the largest over tokens. */
  readonly #needs: Float64Array;
  /** Activations by class, then by expert of the layer. */
  readonly #counts: Int32Array;
  #offset = 0;

  /** @param requestClass by `Request.index` @param copies accepted share of an expert's bytes by class; absent: all */
  constructor(model: ModelSpec, requestClass: readonly string[], copies: ReadonlyMap<string, number>) {
    const names = [...new Set(requestClass)];
    this.served = new Map(names.map((name) => [name, { activations: 0, degraded: 0 }]));
    const numbers = new Map(names.map((name, number) => [name, number]));
    this.#model = model;
    this.#classOf = Uint32Array.from(requestClass, (name) => numbers.get(name)!);
    this.#copies = Float64Array.from(names, (name) => copies.get(name) ?? 1);
    this.#classes = [...this.served.values()];
    this.#needs = new Float64Array(model.experts);
    const widest = mostExperts(model);
    this.#counts = new Int32Array(names.length * widest);
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

  /** Share of bytes enough for all tokens of the last judged layer, 0..1. */
  needs(id: number): number {
    return this.#needs[id]!;
  }

  /** Counts activations of the last judged layer as served by a copy or substitute. */
  degraded(id: number): void {
    const from = (id - this.#offset) * this.#classes.length;
    for (const [number, served] of this.#classes.entries()) served.degraded += this.#counts[from + number]!;
  }
}

/** Conditions on classes in a run. */
export const classConditions = (classes: ClassPrecision): RunPart => ({
  hooks: classes,
  on: ({ event: { demand } }) => ({
    hooks: [{ degraded: (id) => classes.degraded(id) }],
    checks: ({ copy }) => (copy === undefined ? [] : [(i) => classes.needs(demand.ids[i]!) <= copy]),
  }),
});

/** Copies for request classes that accept them, on one GPU with whole events. */
export const REQUEST_CLASSES: Mechanism = {
  name: 'request-classes',
  law: 'L13',
  inRun({ plan: { inputs, layout, run, serving } }) {
    const { model, system } = inputs;
    if (serving.requestClass === null || !anyMiss(system.onMiss, 'low-precision', 'substitute')) return null;
    if (layout.several !== null || run.replay === 'sequential') return null;
    const shares = new Map([...serving.budgets].map(([name, { copy }]) => [name, copy]));
    return classConditions(new ClassPrecision(model, serving.requestClass, shares));
  },
};

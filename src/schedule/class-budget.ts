// Budget of a request class: fewer experts, skipped layers, or lower precision (APTP, arXiv 2406.12042). Copies:
// src/engine/vocabulary/class-precision.ts.
import { UserError } from '../base/errors.js';
import { ownValue } from '../base/objects.js';
import { didYouMean } from '../base/text.js';
import type { Written } from '../base/written.js';
import { NULL_EXPERT } from '../trace/trace.js';
import { PlaceDraws } from '../trace/variants/draws.js';

/** Budget of a class. */
export interface ClassBudget extends Written {
  /** Best-ranked choices kept per token and layer. */
  readonly topK: number;
  /** Share of layers that a token skips, 0..1. */
  readonly skip: number;
  /** Bytes of copies accepted for missed experts, as a share of the expert's; 1: no copies. */
  readonly copy: number;
}

const PARTS: Readonly<Record<string, readonly [fits: (value: number) => boolean, expected: string]>> = {
  'top-k': [(value) => Number.isInteger(value) && value >= 1, 'a whole number of experts, e.g. top-k=4'],
  skip: [(value) => value >= 0 && value <= 1, 'a share of the layers, e.g. skip=0.25'],
  copy: [(value) => value > 0 && value < 1, "a share of an expert's bytes between 0 and 1, e.g. copy=0.25"],
};

/** Choices of a class before and after the budget, and gate weights. */
export interface ClassUse {
  wanted: number;
  made: number;
  wantedWeight: number;
  madeWeight: number;
}

/** `top-k=4`, `skip=0.25`, `copy=0.25`, or several with commas. @throws UserError */
export function parseClassBudget(text: string): ClassBudget {
  const given = new Map<string, number>();
  for (const part of text.split(',')) {
    const [name = '', value = '', ...rest] = part.split('=').map((side) => side.trim());
    const known = ownValue(PARTS, name);
    if (known === undefined) throw new UserError(`"${name}" is no budget; ${didYouMean(name, Object.keys(PARTS))}`);
    if (given.has(name)) throw new UserError(`${name} stands twice; keep one`);
    const number = value === '' || rest.length > 0 ? Number.NaN : Number(value);
    if (!known[0](number)) throw new UserError(`'${part.trim()}': expected ${known[1]}`);
    given.set(name, number);
  }
  return { text, topK: given.get('top-k') ?? Number.POSITIVE_INFINITY, skip: given.get('skip') ?? 0, copy: given.get('copy') ?? 1 };
}

/** Zero use. */
export const noUse = (): ClassUse => ({ wanted: 0, made: 0, wantedWeight: 0, madeWeight: 0 });

/** Budgets of a run's classes, and use. */
export class ClassBudgets {
  /** Use by class over all tokens; empty class: requests without a class. */
  readonly use = new Map<string, ClassUse>();
  readonly #budgets: ReadonlyMap<string, ClassBudget>;
  readonly #layers: number;
  readonly #topK: number;
  readonly #draws: PlaceDraws;

  constructor(
    budgets: ReadonlyMap<string, ClassBudget>,
    { layers, topK }: { readonly layers: number; readonly topK: number },
    seed: number,
  ) {
    this.#budgets = budgets;
    this.#layers = layers;
    this.#topK = topK;
    this.#draws = new PlaceDraws(seed, 'class-budget');
  }

  /**
   * Sets choices beyond a class's budget to NULL_EXPERT. @param row decides the skipped layers @param choices `[...,
   * layers, topK]`
   * @param at first choice @param use counts of choices; default: the class's
   */
  cut(
    requestClass: string,
    row: number,
    choices: Uint16Array,
    weights: Float32Array | null,
    at: number,
    use = this.#useOf(requestClass),
  ): void {
    const budget = this.#budgets.get(requestClass);
    for (let layer = 0; layer < this.#layers; layer++) {
      const from = at + layer * this.#topK;
      let keep = budget?.topK ?? Number.POSITIVE_INFINITY;
      if (budget !== undefined && budget.skip > 0) {
        this.#draws.at(row, layer);
        if (this.#draws.next() < budget.skip) keep = 0;
      }
      let taken = 0;
      for (let i = from; i < from + this.#topK; i++) {
        if (choices[i] === NULL_EXPERT) continue;
        const weight = weights === null ? 0 : weights[i]!;
        use.wanted++;
        use.wantedWeight += weight;
        if (taken < keep) {
          taken++;
          use.made++;
          use.madeWeight += weight;
          continue;
        }
        choices[i] = NULL_EXPERT;
        if (weights !== null) weights[i] = 0;
      }
    }
  }

  #useOf(requestClass: string): ClassUse {
    const use = this.use.get(requestClass) ?? noUse();
    this.use.set(requestClass, use);
    return use;
  }
}

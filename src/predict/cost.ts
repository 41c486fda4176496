// What a prediction takes (L11): what it foretells can be prefetched so much later. Each kind is measured where moeprof is written, and
// charged on every host in proportion to its clock, so that results do not depend on the machine that moeprof runs on.
import type { HardwareSpec } from '../hardware/spec.js';
import type { ModelSpec } from '../model/spec.js';

/** ns of one prediction = call + tokens x (token + experts scored x expert). */
export interface PredictionCost {
  readonly callNs: number;
  readonly tokenNs: number;
  readonly expertNs: number;
  /** Tokens of a pass that are predicted one by one; a sample of so many stands for more. */
  readonly mostTokens: number;
}

/** GHz of the host that all costs of predictors were measured on: one core of an EPYC 7763, Node 20 (bench/prediction-cost.mjs). */
const MEASURED_CLOCK = 2.45;

/** What predictions of a run take. */
export class PredictionTime {
  readonly #cost: PredictionCost;
  /** Experts of the layers below each. */
  readonly #experts: readonly number[];

  constructor(cost: PredictionCost, { experts, layers }: Pick<ModelSpec, 'experts' | 'layers'>) {
    this.#cost = cost;
    this.#experts = [...layers.map(({ offset }) => offset), experts];
  }

  /** Time to predict the layers `(after, last]` for a pass of `tokens`, ns. */
  ns(tokens: number, after: number, last: number): number {
    const { callNs, expertNs, mostTokens, tokenNs } = this.#cost;
    const scored = this.#experts[last + 1]! - this.#experts[after + 1]!;
    return callNs + Math.min(tokens, mostTokens) * (tokenNs + scored * expertNs);
  }
}

/** A cost that does not depend on what is predicted. */
export function fixedCost(callNs: number): PredictionCost {
  return { callNs, tokenNs: 0, expertNs: 0, mostTokens: 0 };
}

/** A measured cost on another host: with its clock, where that is known, and as often as the runtime says. */
export function costBeside(cost: PredictionCost, { hostClock, software }: Pick<HardwareSpec, 'hostClock' | 'software'>): PredictionCost {
  const factor = ((software?.prediction ?? 1) * MEASURED_CLOCK) / (hostClock ?? MEASURED_CLOCK);
  const { callNs, expertNs, mostTokens, tokenNs } = cost;
  return { callNs: callNs * factor, tokenNs: tokenNs * factor, expertNs: expertNs * factor, mostTokens };
}

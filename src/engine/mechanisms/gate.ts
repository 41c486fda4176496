import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { type GateShare, gateWays, inRange, misfit } from '../../system/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import type { RunHooks } from '../vocabulary/hooks.js';
import type { Mechanism, RunPart } from './mechanism.js';

type By = GateShare['by'];

/**
 * Unimportance of a choice: better-ranked experts' share of the token's gate weight (HOBBIT, arXiv 2411.01433, eq. 2;
 * L13), the least over the pass's tokens with the expert, 0..1.
 */
export class TokenUnimportance implements RunHooks {
  readonly #model: ModelSpec;
  readonly #shares: ReadonlyMap<By, Float32Array>;

  constructor(model: ModelSpec, ways: Iterable<By>) {
    this.#model = model;
    this.#shares = new Map(Array.from(ways, (by) => [by, new Float32Array(model.experts)]));
  }

  /** Judges a known layer. Choices are in rank order. */
  judge({ choices, row, tokens, topK, weights }: Pass, layer: number): void {
    const { offset, experts } = this.#model.layers[layer]!;
    for (const [by, shares] of this.#shares) {
      shares.fill(1, offset, offset + experts);
      const equal = by === 'rank' || weights === null;
      for (let token = 0; token < tokens; token++) {
        const from = token * row + layer * topK;
        let total = 0;
        for (let i = from; i < from + topK; i++) if (choices[i] !== NULL_EXPERT) total += equal ? 1 : weights![i]!;
        let before = 0;
        for (let i = from; i < from + topK; i++) {
          if (choices[i] === NULL_EXPERT) continue;
          const id = offset + choices[i]!;
          shares[id] = Math.min(shares[id]!, total > 0 ? before / total : 0);
          before += equal ? 1 : weights![i]!;
        }
      }
    }
  }

  of(by: By, id: number): number {
    return this.#shares.get(by)![id]!;
  }
}

/** Conditions on gate shares in a run. */
export function gateConditions(model: ModelSpec, ways: Iterable<By>): RunPart {
  const unimportance = new TokenUnimportance(model, ways);
  return {
    hooks: unimportance,
    on: ({ event: { demand }, shard }) => ({
      checks: ({ gate }) => {
        if (gate === null) return [];
        const { by, share } = gate;
        const idOf = (i: number): number => (shard === null ? demand.ids[i]! : shard.whole[demand.ids[i]!]!);
        return [(i) => inRange(share, unimportance.of(by, idOf(i)))];
      },
    }),
  };
}

/** Rules that hold for unimportant choices. */
export const GATE: Mechanism = {
  name: 'gate',
  law: 'L13',
  inRun({ plan: { inputs, run } }) {
    const { model, system, trace } = inputs;
    const ways = gateWays(system.onMiss);
    if (ways.has('weights') && !trace.has.weights)
      throw misfit(run, 'system.onMiss', `gate by weights needs gate weights, which ${trace.path} does not carry; take by: rank`);
    return ways.size === 0 ? null : gateConditions(model, ways);
  },
};

import { PINNED } from '../../cache/policy.js';
import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import type { FoldPart, GpuParts } from '../event/parts.js';
import type { EachMiss } from '../event/place-each.js';
import { MissService } from '../event/service.js';
import { NOT_HERE, type Shard } from '../memory/shard.js';
import type { RunHooks } from '../vocabulary/hooks.js';
import type { Mechanism, RunPart } from './mechanism.js';

/** Substitutes among a GPU's experts. */
interface StandIns {
  /** Dense id of a substitute; -1: no candidate. @param may true: allowed now */
  of(id: number, layer: number, may: (other: number) => boolean): number;
}

/** BuddyMoE: the substitute most often chosen together with an expert so far. */
export class Buddies implements StandIns, RunHooks {
  readonly #model: ModelSpec;
  /** By layer, `[experts, experts]`: tokens with both experts. */
  readonly #together: readonly Float64Array[];

  constructor(model: ModelSpec) {
    this.#model = model;
    this.#together = model.layers.map(({ experts }) => new Float64Array(experts * experts));
  }

  judge({ choices, row, tokens, topK }: Pass, layer: number): void {
    const together = this.#together[layer]!;
    const { experts } = this.#model.layers[layer]!;
    for (let token = 0; token < tokens; token++) {
      const from = token * row + layer * topK;
      for (let a = from; a < from + topK; a++) {
        if (choices[a] === NULL_EXPERT) continue;
        for (let b = from; b < from + topK; b++) {
          if (b !== a && choices[b] !== NULL_EXPERT) together[choices[a]! * experts + choices[b]!]! += 1;
        }
      }
    }
  }

  of(id: number, layer: number, may: (other: number) => boolean): number {
    const { experts, offset } = this.#model.layers[layer]!;
    const together = this.#together[layer]!;
    const row = (id - offset) * experts;
    let best = -1;
    let most = 0;
    for (let other = 0; other < experts; other++) {
      if (together[row + other]! <= most || !may(offset + other)) continue;
      most = together[row + other]!;
      best = offset + other;
    }
    return best;
  }
}

const standInsOf = (buddies: StandIns, { own: idOf, whole }: Shard): StandIns => ({
  of: (id, layer, may) => {
    const buddy = buddies.of(whole[id]!, layer, (other) => idOf[other] !== NOT_HERE && may(idOf[other]!));
    return buddy < 0 ? buddy : idOf[buddy]!;
  },
});

/** L13 `substitute`: a resident expert executes in the member's place. */
class Substitute extends MissService {
  override readonly keeps = false;
  readonly #standIns: StandIns;
  /** By missed member: the substitute. */
  readonly #buddyOf: Int32Array;
  /** Pinned substitutes of the event, dense ids. */
  readonly #pinned: number[];

  constructor(placing: EachMiss, standIns: StandIns, pinned: number[]) {
    super(placing);
    this.#standIns = standIns;
    this.#pinned = pinned;
    this.#buddyOf = new Int32Array(placing.event.missed.length);
  }

  override takes(layer: number, i: number): boolean {
    const { event, gpu: parts } = this.placing;
    const { gpu } = parts;
    const { resident, base } = gpu.byLayer[layer]!;
    const may = (id: number): boolean => resident[id - base] === 1 && gpu.rank[id] !== PINNED;
    const buddy = this.#standIns.of(event.demand.ids[i]!, layer, may);
    if (buddy < 0) return false;
    this.#buddyOf[i] = buddy;
    this.#pinned.push(buddy);
    gpu.pin(buddy);
    return true;
  }

  override reads(): boolean {
    return false;
  }

  serve(layer: number, i: number): boolean {
    const { event, gpu } = this.placing;
    const { recorder } = gpu;
    this.placing.passBy(i, layer);
    this.placing.degrade(i);
    recorder.substitutedExperts++;
    recorder.substitutedActivations += event.demand.counts[i]!;
    const cache = gpu.gpu.byLayer[layer]!;
    cache.touch(this.#buddyOf[i]! - cache.base);
    this.placing.standIn(layer, i);
    return true;
  }
}

function onGpu(buddies: Buddies, { gpu: { gpu }, shard }: GpuParts): FoldPart {
  const standIns = shard === null ? buddies : standInsOf(buddies, shard);
  const pinned: number[] = [];
  const ending = (): void => {
    for (const id of pinned) gpu.unpin(id);
    pinned.length = 0;
  };
  return {
    hooks: [{ ending }],
    service: (placing, rule) => (rule.do === 'substitute' ? new Substitute(placing, standIns, pinned) : null),
  };
}

/** Substitutes in a run. */
export function standIns(model: ModelSpec): RunPart {
  const buddies = new Buddies(model);
  return { hooks: buddies, on: (parts) => onGpu(buddies, parts) };
}

/** Missed members served by other experts. */
export const STAND_INS: Mechanism = {
  name: 'stand-ins',
  law: 'L13',
  inRun: ({ plan, rules }) => (rules.some((rule) => rule.do === 'substitute') ? standIns(plan.inputs.model) : null),
};

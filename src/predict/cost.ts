import { type Device, type HardwareSpec, speedOf } from '../hardware/door.js';
import type { ModelSpec } from '../model/door.js';

/** ns of one prediction = call + tokens x (token + experts scored x expert). */
export interface PredictionCost {
  readonly callNs: number;
  readonly tokenNs: number;
  readonly expertNs: number;
  /** Maximum number of tokens of a pass that are predicted one by one; larger passes are sampled. */
  readonly mostTokens: number;
  /** A run of its network, once a pass at most. Absent: there is none. */
  readonly network?: PredictionCost;
}

/** GHz of the host that all costs of predictors were measured on: one core of an EPYC 7763, Node 20 (bench/prediction-cost.mjs). */
const MEASURED_CLOCK = 2.45;

/** The time of a prediction (L11), before prefetches start. Host work is scaled by clock from one measured machine; gates run on the GPU. */
export interface PredictionTime {
  /** Time to predict the layers `(after, last]` for a pass of `tokens`, ns. */
  ns(tokens: number, after: number, last: number): number;
  /** Time of a run of its network, ns. Absent: there is none. */
  networkNs?(tokens: number): number;
}

function expertsBelow({ experts, layers }: Pick<ModelSpec, 'experts' | 'layers'>): readonly number[] {
  return [...layers.map(({ offset }) => offset), experts];
}

/** Time of predictions on the host. */
export function hostTime(
  { callNs, expertNs, mostTokens, network, tokenNs }: PredictionCost,
  model: Pick<ModelSpec, 'experts' | 'layers'>,
): PredictionTime {
  const below = expertsBelow(model);
  return {
    ns: (tokens, after, last) => callNs + Math.min(tokens, mostTokens) * (tokenNs + (below[last + 1]! - below[after + 1]!) * expertNs),
    ...(network && { networkNs: (tokens) => hostTime(network, model).ns(tokens, -1, -1) }),
  };
}

/** Bytes of a router's weight: 16 bits, in which checkpoints keep routers whatever the format of their experts. */
const ROUTER_BYTES = 2;

/** Gates of coming layers on the GPU: reading or arithmetic of hidden x experts weights, and launches. @param factor multiple of the runtime */
export function gateTime(model: Pick<ModelSpec, 'experts' | 'hidden' | 'layers'>, gpu: Device, factor = 1): PredictionTime {
  const { nsPerByte, nsPerFlop } = speedOf(gpu);
  const launchNs = factor * gpu.launchNs;
  // Of one expert's row of a router: reading it, and multiplying it with one token.
  const readNs = factor * model.hidden * ROUTER_BYTES * nsPerByte;
  const tokenNs = factor * 2 * model.hidden * nsPerFlop;
  const below = expertsBelow(model);
  return {
    ns(tokens, after, last) {
      if (after < 0) return 0;
      const scored = below[last + 1]! - below[after + 1]!;
      return (last - after) * launchNs + scored * Math.max(readNs, tokens * tokenNs);
    },
  };
}

/** A cost that does not depend on the prediction. */
export const fixedCost = (callNs: number): PredictionCost => ({ callNs, tokenNs: 0, expertNs: 0, mostTokens: 0 });

/** A measured cost on another host: scaled by its clock, if that is known, and by the runtime's factor. */
export function costBeside(cost: PredictionCost, { hostClock, software }: Pick<HardwareSpec, 'hostClock' | 'software'>): PredictionCost {
  const factor = ((software?.prediction ?? 1) * MEASURED_CLOCK) / (hostClock ?? MEASURED_CLOCK);
  const { callNs, expertNs, mostTokens, network, tokenNs } = cost;
  const beside = network && { network: costBeside(network, { ...(hostClock && { hostClock }), ...(software && { software }) }) };
  return { callNs: callNs * factor, tokenNs: tokenNs * factor, expertNs: expertNs * factor, mostTokens, ...beside };
}

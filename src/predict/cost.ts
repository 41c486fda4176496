import { type Device, type HardwareSpec, speedOf } from '../hardware/door.js';
import type { ModelSpec } from '../model/door.js';

/** Prediction time, ns: call + tokens x (token + experts scored x expert). */
export interface PredictionCost {
  readonly callNs: number;
  readonly tokenNs: number;
  readonly expertNs: number;
  /** Most tokens of a pass predicted separately; larger passes are sampled. */
  readonly mostTokens: number;
  /** One run of the network, at most once a pass. */
  readonly network?: PredictionCost;
}

/** GHz of the measuring host: one core of an EPYC 7763, Node 20 (bench/prediction-cost.mjs). */
const MEASURED_CLOCK = 2.45;

/** Prediction time before prefetches start (L11). */
export interface PredictionTime {
  /** Time to predict layers `(after, last]` for a pass of `tokens`, ns. */
  ns(tokens: number, after: number, last: number): number;
  /** Time of one run of the network, ns. */
  networkNs?(tokens: number): number;
}

function expertsBelow({ experts, layers }: Pick<ModelSpec, 'experts' | 'layers'>): readonly number[] {
  return [...layers.map(({ offset }) => offset), experts];
}

/** Prediction time on the host. */
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

/** Bytes of a router's weight: checkpoints keep routers in 16 bits. */
const ROUTER_BYTES = 2;

/** Launches, and reading or multiplying hidden x experts weights. @param factor multiple of the runtime */
export function gateTime(model: Pick<ModelSpec, 'experts' | 'hidden' | 'layers'>, gpu: Device, factor = 1): PredictionTime {
  const { nsPerByte, nsPerFlop } = speedOf(gpu);
  const launchNs = factor * gpu.launchNs;
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

/** A constant cost per prediction. */
export const fixedCost = (callNs: number): PredictionCost => ({ callNs, tokenNs: 0, expertNs: 0, mostTokens: 0 });

/** Scales a measured cost to a host's clock and runtime factor. */
export function costBeside(cost: PredictionCost, { hostClock, software }: Pick<HardwareSpec, 'hostClock' | 'software'>): PredictionCost {
  const factor = ((software?.prediction ?? 1) * MEASURED_CLOCK) / (hostClock ?? MEASURED_CLOCK);
  const { callNs, expertNs, mostTokens, network, tokenNs } = cost;
  const beside = network && { network: costBeside(network, { ...(hostClock && { hostClock }), ...(software && { software }) }) };
  return { callNs: callNs * factor, tokenNs: tokenNs * factor, expertNs: expertNs * factor, mostTokens, ...beside };
}

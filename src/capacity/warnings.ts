// Warnings of a capacity curve: cases where the shape of the demand, not the policy, decides the numbers.
import { formatRatio } from '../base/units.js';
import { evenSplit } from '../cache/scope.js';
import type { ModelSpec } from '../model/spec.js';
import type { Warning } from '../result/result.js';
import { capacityText } from './curve-size.js';
import type { CurveData } from './knee.js';

/** Warnings about the capacities that were drawn. */
export function curveWarnings(curve: Omit<CurveData, 'warnings'>, model: ModelSpec): Warning[] {
  return curve.config.scope === 'global' ? belowTokenCycle(curve) : eventsThatDoNotFit(curve, model);
}

/** L15: below one token's experts, whatever is recent is gone before it comes round again. */
function belowTokenCycle(curve: Omit<CurveData, 'warnings'>): Warning[] {
  const { capacities, expertBytes, policies, tokenCycleBytes } = curve;
  const below = capacities.flatMap((bytes, c) => (bytes < tokenCycleBytes ? [c] : []));
  if (below.length === 0) return [];
  const nothing = policies.filter(({ points }) => below.every((c) => points[c]!.hits === 0)).map(({ policy }) => policy);
  const hit = nothing.length === 0 ? '' : ` ${nothing.join(', ')} hit${nothing.length === 1 ? 's' : ''} nothing there.`;
  return [
    {
      code: 'below-token-cycle',
      message:
        `Capacities below ${capacityText(curve, tokenCycleBytes)} (${formatRatio(tokenCycleBytes / expertBytes)}) are below the token cycle: every token walks ` +
        `past more experts than fit, so that LRU, FIFO and CLOCK lose each one before its layer comes round again.${hit} ` +
        'Give the cache more, cache per layer (--scope layer), or place experts statically.',
    },
  ];
}

/** A layer whose cache holds fewer experts than a token chooses there streams some of them, whatever the policy. */
function eventsThatDoNotFit({ capacities, expertBytes }: Omit<CurveData, 'warnings'>, model: ModelSpec): Warning[] {
  const short = capacities.filter((bytes) => evenSplit(model, bytes).some((slots, l) => slots < model.layers[l]!.topK));
  if (short.length === 0) return [];
  return [
    {
      code: 'event-does-not-fit',
      message:
        `Up to ${formatRatio(short.at(-1)! / expertBytes)} of the experts some layer's cache holds fewer than the token's choices there: ` +
        'part of every token is streamed, whatever the policy.',
    },
  ];
}

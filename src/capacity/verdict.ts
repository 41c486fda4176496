import { formatBytes, formatCount, formatRatio } from '../base/units.js';
import { evenSplit } from '../cache/scope.js';
import type { ModelSpec } from '../model/door.js';
import type { Warning } from '../result/result.js';
import type { Curve, Knee, PolicyCurve, Verdict } from './curve-result.js';

/** Largest negligible gap: half a percentage point. Ours. */
const SMALL = 0.005;

/**
 * Judges a curve at the capacity nearest to `capacity`, else at the best policy's knee, else the middle; null without
 * real policies.
 */
export function judge(curve: CurveData, capacity: number | null): Verdict | null {
  const overall = bestOnline(curve);
  if (overall === null || curve.capacities.length === 0) return null;
  const at = capacity === null ? (kneeOf(curve, overall)?.at ?? curve.capacities.length >> 1) : nearestTo(curve.capacities, capacity);
  const online = curve.policies.filter((policy) => !policy.foresight);
  const best = online.reduce((a, b) => (b.points[at]!.hitRate > a.points[at]!.hitRate ? b : a));
  const rate = best.points[at]!.hitRate;
  const { demanded, compulsory } = curve.demand;
  const ceiling = demanded === 0 ? 0 : 1 - compulsory / demanded;
  const foresight = curve.policies.filter((policy) => policy.foresight).map((policyCurve) => policyCurve.points[at]!.hitRate);
  const bound = foresight.length === 0 ? null : Math.max(rate, ...foresight);
  const policyGap = bound === null ? null : bound - rate;
  const capacityGap = Math.max(0, ceiling - (bound ?? rate));
  const bytes = curve.capacities[at]!;
  const share = formatRatio(bytes / curve.expertBytes, 0);
  const start = `At ${share} of the experts (${capacityText(curve, bytes)}) ${best.policy} hits ${formatRatio(rate)}`;
  const [problem, rest] = blame(policyGap, capacityGap);
  return { at, policy: best.policy, policyGap, capacityGap, problem, sentence: `${start}${rest}` };
}

/** Cause of missing hits. @param policyGap by foresight; null: unknown @param capacityGap by full residence */
function blame(policyGap: number | null, capacityGap: number): [problem: Verdict['problem'], rest: string] {
  if (policyGap === null)
    return [
      'unknown',
      `, ${pointsText(capacityGap)} below what all experts resident would give; draw belady too to see whose fault that is.`,
    ];
  if (policyGap < SMALL && capacityGap < SMALL) return ['neither', ': neither capacity nor policy costs hits worth having.'];
  if (policyGap >= capacityGap)
    return [
      'policy',
      `; perfect foresight would add ${pointsText(policyGap)}, more capacity at most ${pointsText(capacityGap)}: the policy is the problem.`,
    ];
  return [
    'capacity',
    `; perfect foresight would add only ${pointsText(policyGap)} of the ${pointsText(policyGap + capacityGap)} that are missing: the capacity is the problem.`,
  ];
}

const pointsText = (gap: number): string => `${(gap * 100).toFixed(1)} points`;

function nearestTo(values: readonly number[], wanted: number): number {
  let at = 0;
  for (let i = 1; i < values.length; i++) if (Math.abs(values[i]! - wanted) < Math.abs(values[at]! - wanted)) at = i;
  return at;
}

/** Curve without knee and verdict. */
export type CurveData = Omit<Curve, 'knee' | 'verdict'>;

/** Policy without foresight of highest mean hit rate; null if absent. */
export function bestOnline(curve: Pick<CurveData, 'policies'>): PolicyCurve | null {
  const online = curve.policies.filter(({ foresight, points }) => !foresight && points.length > 0);
  return online.length === 0 ? null : online.reduce((best, policyCurve) => (meanOf(policyCurve) > meanOf(best) ? policyCurve : best));
}

const meanOf = ({ points }: PolicyCurve): number => points.reduce((sum, point) => sum + point.hitRate, 0) / points.length;

/** Knee: highest point above the line between the ends, scaled to 0..1 (Satopaa et al., ICDCS Workshops 2011). */
export function kneeOf({ capacities }: Pick<CurveData, 'capacities'>, { policy, points }: PolicyCurve): Knee | null {
  const [x0, x1] = [capacities[0]!, capacities.at(-1)!];
  const [y0, y1] = [points[0]!.hitRate, points.at(-1)!.hitRate];
  if (capacities.length < 3 || y1 <= y0) return null;
  let at = 0;
  let height = 0;
  for (let i = 0; i < capacities.length; i++) {
    const above = (points[i]!.hitRate - y0) / (y1 - y0) - (capacities[i]! - x0) / (x1 - x0);
    if (above > height + 1e-12) [at, height] = [i, above];
  }
  return { policy, at };
}

/** `1.20 GiB`, or `384 experts`. */
export const capacityText = ({ inputs }: Pick<Curve, 'inputs'>, capacity: number): string =>
  inputs.unit === 'experts' ? `${formatCount(capacity)} experts` : formatBytes(capacity);

/** Warnings about drawn capacities. */
export const curveWarnings = (curve: Omit<CurveData, 'warnings'>, model: ModelSpec): Warning[] =>
  curve.config.scope === 'global' ? belowTokenCycle(curve) : eventsThatDoNotFit(curve, model);

/** L15: below one token's experts, recent experts are evicted before reuse. */
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

/** A layer cache with fewer slots than a token's choices must stream some, under any policy. */
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

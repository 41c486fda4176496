// Is the capacity the problem or the policy? The question that users of an expert cache ask, answered in a sentence with its figures.
import { formatRatio } from '../base/units.js';
import type { Verdict } from './curve-result.js';
import { capacityText } from './curve-size.js';
import { bestOnline, type CurveData, kneeOf } from './knee.js';

/** Gaps below this are not worth a word: half a percentage point. */
const SMALL = 0.005;

/**
 * Judges a curve at one capacity.
 * @param capacity bytes, taken to the nearest of the curve; null: the knee of the best policy, or the middle where there is none
 * @returns null where the curve has no policy that a system can run
 */
export function judge(curve: CurveData, capacity: number | null): Verdict | null {
  const overall = bestOnline(curve);
  if (overall === null || curve.capacities.length === 0) return null;
  const at = capacity === null ? (kneeOf(curve, overall)?.at ?? curve.capacities.length >> 1) : nearestTo(curve.capacities, capacity);
  const online = curve.policies.filter((one) => !one.foresight);
  const best = online.reduce((a, b) => (b.points[at]!.hitRate > a.points[at]!.hitRate ? b : a));
  const rate = best.points[at]!.hitRate;
  const { demanded, compulsory } = curve.demand;
  const ceiling = demanded === 0 ? 0 : 1 - compulsory / demanded;
  const foresight = curve.policies.filter((one) => one.foresight).map((one) => one.points[at]!.hitRate);
  const bound = foresight.length === 0 ? null : Math.max(rate, ...foresight);
  const policyGap = bound === null ? null : bound - rate;
  const capacityGap = Math.max(0, ceiling - (bound ?? rate));
  const bytes = curve.capacities[at]!;
  const share = formatRatio(bytes / curve.expertBytes, 0);
  const start = `At ${share} of the experts (${capacityText(curve, bytes)}) ${best.policy} hits ${formatRatio(rate)}`;
  const [problem, rest] = blame(policyGap, capacityGap);
  return { at, policy: best.policy, policyGap, capacityGap, problem, sentence: `${start}${rest}` };
}

/**
 * What costs the missing hits, and the sentence behind the hit rate.
 * @param policyGap hits that perfect foresight would add, 0..1; null: no such policy was drawn
 * @param capacityGap hits that all experts resident would add to that
 */
function blame(policyGap: number | null, capacityGap: number): [problem: Verdict['problem'], rest: string] {
  if (policyGap === null) {
    return [
      'unknown',
      `, ${pointsText(capacityGap)} below what all experts resident would give; draw belady too to see whose fault that is.`,
    ];
  }
  if (policyGap < SMALL && capacityGap < SMALL) return ['neither', ': neither capacity nor policy costs hits worth having.'];
  if (policyGap >= capacityGap) {
    return [
      'policy',
      `; perfect foresight would add ${pointsText(policyGap)}, more capacity at most ${pointsText(capacityGap)}: the policy is the problem.`,
    ];
  }
  return [
    'capacity',
    `; perfect foresight would add only ${pointsText(policyGap)} of the ${pointsText(policyGap + capacityGap)} that are missing: the capacity is the problem.`,
  ];
}

/** `6.9 points` of a percentage. */
function pointsText(gap: number): string {
  return `${(gap * 100).toFixed(1)} points`;
}

/** Index of the value nearest to `wanted`, the first of equals. */
function nearestTo(values: readonly number[], wanted: number): number {
  let at = 0;
  for (let i = 1; i < values.length; i++) if (Math.abs(values[i]! - wanted) < Math.abs(values[at]! - wanted)) at = i;
  return at;
}

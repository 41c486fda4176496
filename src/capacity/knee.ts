// The knee of a capacity curve, and the best policy of a curve that a system can run.
import type { Curve, Knee, PolicyCurve } from './curve-result.js';

/** A curve before its knee and verdict are found. */
export type CurveData = Omit<Curve, 'knee' | 'verdict'>;

/** The policy without foresight with the highest mean hit rate, the first of equals; null where there is none. */
export function bestOnline(curve: Pick<CurveData, 'policies'>): PolicyCurve | null {
  const online = curve.policies.filter(({ foresight, points }) => !foresight && points.length > 0);
  return online.length === 0 ? null : online.reduce((best, one) => (meanOf(one) > meanOf(best) ? one : best));
}

function meanOf({ points }: PolicyCurve): number {
  return points.reduce((sum, point) => sum + point.hitRate, 0) / points.length;
}

/**
 * The capacity where a curve lies highest above the line between its ends, both axes scaled to 0..1 (Satopaa et al., "Finding a
 * kneedle in a haystack", ICDCS Workshops 2011, without smoothing: replays have no noise); the smaller of equals.
 */
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

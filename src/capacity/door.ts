// What other rooms import of capacity: the hit rate against the size of the cache.

export { drawCurve } from './curve.js';
export { CURVE_POLICIES, CURVE_POPULARITY, type CurveSettings, curveFor, curveOfRun } from './curve-request.js';
export type { Curve } from './curve-result.js';
export { curveReports } from './report.js';

// Exports of capacity: hit rate against cache size.

export { drawCurve } from './curve.js';
export { CURVE_POLICIES, CURVE_POPULARITY, curveFor, curveOfRun } from './curve-request.js';
export type { Curve } from './curve-result.js';
export { curveReports } from './report.js';

// Exports of advise for rooms after advise.

export type { Advice } from './advise.js';
export { adviceOn, basesOf } from './answer.js';
export { type AdviceWishes, asTaught, type MachineFinder, machineNamed, Subject, USUAL_PROMPT } from './ask.js';
export { breakEvensOn } from './breakeven.js';
export { breakEvenReports } from './breakeven-report.js';
export { enginesOn } from './engines.js';
export { engineReports } from './engines-report.js';
export { glance } from './glance.js';
export { type ModelOffers, modelsOn } from './models.js';
export { MODEL_WIDTH, modelOfferReports, modelsDocument } from './models-report.js';
export type { Plan } from './plan/plan.js';
export { planReports } from './plan/plan-report.js';
export { planCandidate, planOverrides, planRuns } from './plan/plan-search.js';
export { adviceDocument } from './report.js';
export { adviceReports } from './reports.js';
export {
  type CacheBasis,
  type CachePoint,
  LEAST_RECORDED,
  type ReplayedPoint,
  withCacheBasis,
} from './tune/cache-points.js';
export { type TuneBasis, type TunePoint, tuneBasisOn } from './tune/points.js';

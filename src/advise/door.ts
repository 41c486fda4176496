// What other rooms import of advise: what to run, and what would make it faster.

export { adviceOn } from './answer.js';
export { type AdviceWishes, type MachineFinder, machineNamed } from './ask.js';
export { breakEvensOn } from './breakeven.js';
export { breakEvenReports } from './breakeven-report.js';
export { enginesOn } from './engines.js';
export { engineReports } from './engines-report.js';
export { type ModelOffers, modelsOn } from './models.js';
export { modelOfferReports } from './models-report.js';
export type { Plan } from './plan/plan.js';
export { planReports } from './plan/plan-report.js';
export { planCandidate, planOverrides, planRuns } from './plan/plan-search.js';
export { adviceReports } from './report.js';
export { AXES, type TuneBasis, type TunePoint, tuneBasisOn } from './tune/points.js';

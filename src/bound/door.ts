// What other rooms import of bound: what knowledge of the future could give.
export { adaptiveBound } from './adaptive-bound.js';
export { adaptiveReports } from './adaptive-report.js';

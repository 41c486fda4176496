// Exports of bound: limits given knowledge of the future.
export { adaptiveBound } from './adaptive-bound.js';
export { adaptiveReports } from './adaptive-report.js';

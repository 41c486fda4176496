// Exports of place for rooms after place.
export { requestFor } from './ask.js';
export { BASES } from './demand.js';
export { besidePath, PROFILE_FORMATS } from './formats/index.js';
export { answerPlacement, type PlaceRequest } from './place.js';
export { placeReports } from './report.js';
export { SPLITS } from './residents.js';
export type { Part } from './sources.js';
export type { RunWith } from './speed.js';

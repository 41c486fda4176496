// Exports to other rooms: systems, runs and the parts of both.

export { ADMISSIONS, MISS_ACTIONS } from './actions.js';
export { systemChanges } from './changes.js';
export { DEGREES, type Overlap, REPLAYS, type Replay, RUNTIME_WORDS } from './choices.js';
export { commandOfInput, QUICK_START, type RunCommand, repeatable, repeatCommand } from './command.js';
export { type CopiesSpec, copyShare } from './copies.js';
export { describeFault, type Fault, hits, isInEffect, lostBytes, splitFault } from './faults.js';
export { checkRun, loadRun } from './load-run.js';
export type { GateShare, MissCondition, MissRule } from './miss-rules.js';
export { anyMiss, computesMisses, deferring, gateWays, inRange, isLossy, isWord, rulesOn } from './miss-rules.js';
export { findPlacement, PLACEMENTS, parsePlacement } from './placement/index.js';
export { EVERYWHERE } from './placement/placement.js';
export { misfit, placeIn, type RunInput, type RunSpec, runtimeNamed } from './run.js';
export { runSchema } from './run-schema.js';
export { acceptancesOf, looksUpDrafts } from './speculation.js';
export { stagingBufferBytes, stagingBuffers } from './staging.js';
export {
  loadSystem,
  placementFields,
  predictorFields,
  replacePredictor,
  SHORTHANDS,
  type SystemSpec,
  schedulerFields,
  sharingPart,
  systemSchema,
} from './system.js';

// Exports to other rooms.
export { allocate } from './allocation/allocate.js';
export type { LoadPlan, TensorOverride } from './allocation/graph/load-plan.js';
export { isHostBuffer, type OverrideRule, parseOverrides } from './allocation/graph/overrides.js';
export { type Command, type CommandInput, wrapped } from './flags/dialect.js';
export { type FlagUse, flagOf, wordsOf } from './flags/flag.js';
export { flagGroups } from './flags/timer.js';
export {
  ADVISED,
  advisedRuntime,
  backendsOn,
  DEFAULT_RUNTIME,
  DEFAULT_SYSTEM,
  ownRuntimesOf,
  PAPERS_PROFILE,
  profileOfProgram,
  runtimeOfProfile,
  runtimeOfProgram,
  unknownProgram,
} from './index.js';
export { cpuExpertLayers, type Loaded, splitPattern } from './kind/loaded.js';
export { draftLengths, lackOfDrafts } from './kind/own-drafts.js';
export type { AdvisedRuntime, OfferedCache, Streaming } from './kind/runtime.js';
export { type CacheUses, inHostMemory, type PrintedCache, type Timing, type TimingBuffer } from './logs/timing.js';
export { hardwareOfFile, loadHardware } from './machine.js';
export { ALONE, closedLoop, type PassTime, type RequestShape, type Served, type SharedSpeeds, type Speeds } from './setting/closed-loop.js';
export { type DeviceMemory, freeOf, gpusOf, HOST, isFit, usedOf } from './setting/fits.js';
export { costOf, type Goal, isKept, parseGoal, requestNs } from './setting/goal.js';
export {
  ALL_ON_GPU,
  bySlots,
  cachedBytes,
  cacheMebibytes,
  isAllOnGpu,
  isCpuOnly,
  type KvType,
  machineFor,
  PLAIN,
  type Setting,
  slotRange,
  type WeightPlacement,
} from './setting/setting.js';
export { isWritten, readTimings, settingsOfFlags, timingsIn, timingsOf, timingsOfFile, timingsOfFlags, timingText } from './timings.js';

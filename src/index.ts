// The library: what the command line is made of, for programs.

export { EXIT, UserError } from './base/errors.js';
export type { CachePolicy, Clock, PolicyContext, PolicyDefinition } from './cache/policy.js';
export { NEVER, NONE, Pins, UNPINNED } from './cache/policy.js';
export { simulate } from './engine/simulate.js';
export type { Watch } from './engine/watch/meters.js';
export type { Allocation, DeviceAllocation } from './hardware/allocation/allocate.js';
export { allocate } from './hardware/allocation/allocate.js';
export type { AllocatingEngine, DeviceName, LoadPlan, TensorOverride } from './hardware/allocation/load-plan.js';
export { loadHardware } from './hardware/load.js';
export type { HardwareSpec } from './hardware/spec.js';
export { loadModel } from './model/load.js';
export type { ModelSpec } from './model/spec.js';
export type { Predictor, PredictorContext, PredictorDefinition } from './predict/predictor.js';
export type * from './result/result.js';
export { RESULT_SCHEMA } from './result/result.js';
export type { Scheduler, SchedulerDefinition, SchedulerLimits, Share } from './schedule/scheduler.js';
export type { OwnSchedulerContext } from './schedule/user-scheduler.js';
export type { RunInput } from './system/run.js';
export type { OwnTraceFile, OwnTraceFormat, OwnTraceHead, OwnTraceRow } from './trace/formats/user-format.js';
export { openTrace } from './trace/open.js';
export type { RoutingTrace, TraceChunk, TraceRequest } from './trace/trace.js';
export { allocateChunk, chunks, NULL_EXPERT, PHASE } from './trace/trace.js';
export { applyVariants } from './trace/variants/index.js';
export type { OwnVariantContext } from './trace/variants/user-variant.js';
export type { RoutingChange, Variant } from './trace/variants/variant.js';

// Public interface of the room.

export { withConstant } from './constants.js';
export { CostModel } from './cost.js';
export { speedOf } from './dense-cost.js';
export { type DenseBytes, type DensePlacement, denseBytes, moeHolders, usesCpu } from './dense-split.js';
export { askAll } from './detect/ask.js';
export { type Detection, detectFrom, powerShareOf } from './detect/compose.js';
export { cardNamed, cpuNamed, spokenParts } from './detect/named-parts.js';
export { machineFileOf, machineFileText } from './detect/write.js';
export { underSystem } from './devices.js';
export { KNOBS, turnedBy } from './knobs.js';
export { expectedWidth, type Learned, learnedRuntime, learnedText, learnedWidth, NUDGE, nudged, timeShares } from './learned.js';
export { buildHardware, findHardware, isComposed, readMachine, readMachineFile } from './load.js';
export { givenBy, type Machine, machineWords, parseMachine, partNames } from './machine.js';
export { type MachineFile, machineFileSchema, machineOfFile } from './machine-file.js';
export { betweenCards, machineToProfile } from './machine-profile.js';
export { type OverflowMemory, overfullText, PAGES_SHARE, pagesOf, USUAL_DRIVE } from './overfull.js';
export type { Catalogue, CataloguePart } from './parts/catalogue.js';
export { CPUS, type CpuPart } from './parts/cpu.js';
export { GPUS, type GpuPart } from './parts/gpu.js';
export { isCovered, isHalved, listedKind, listedLink, memoryKind } from './parts/kinds.js';
export { memoryRate, memoryText } from './parts/memory.js';
export { NEWEST_PCIE, type PcieLink, pcieRate, slotText } from './parts/pcie.js';
export { COPY_START, pinnedRate, READ, SOCKETS, sheetRate } from './parts/reach.js';
export {
  expectedSteps,
  type Figure,
  FOUR_OF_FIVE,
  type PredictedFigure,
  posteriorCovariance,
  posteriorErrors,
  type RatioBand,
  ratioBand,
  type SpeedKind,
  studentScale,
  type TaughtFigure,
} from './posterior.js';
export { type HardwareProfile, HardwareProfileSchema, isCalibrated } from './profile.js';
export { loadRuntime, type RuntimeSpec, runtimeSchema } from './runtime.js';
export { gpuRooms, joinGpus, layerCards, leastGpuRoom, shareOf, splitLayers, withLatency, withRate } from './several-gpus.js';
export type { Device, HardwareSpec, HostDevice, Interconnect, LinkSpec, OwnCache, PathSpec, Software } from './spec.js';
export { assumedOf, takenPartsOf, withArithmetic } from './spec.js';

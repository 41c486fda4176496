import { UserError } from '../base/errors.js';
import { checkValue, type Override } from '../base/yaml.js';
import {
  buildHardware,
  findHardware,
  type HardwareProfile,
  HardwareProfileSchema,
  type HardwareSpec,
  isCalibrated,
  type Learned,
  learnedRuntime,
  learnedText,
  loadRuntime,
  type Machine,
  type MachineFile,
  machineOfFile,
  machineToProfile,
  type RuntimeSpec,
  readMachine,
} from '../hardware/door.js';
import { DEFAULT_RUNTIME, defaultProfile, demandDriven } from './index.js';

/**
 * @param name bundled name, path, or parts: `rtx-3090+ryzen-9-7950x+64GB` @param overrides replace the profile's values
 * @param runtime null: the usual one, unless the profile is calibrated @param changes replace values of the usual
 * runtime
 * @param learned from timings of the machine; null: nothing
 * @throws UserError for an unknown or malformed machine, a runtime without support for its GPU, or a value without
 * effect
 */
export function loadHardware(
  name: string,
  relativeTo?: string,
  overrides: readonly Override[] = [],
  runtime: RuntimeSpec | null = null,
  changes: readonly Override[] = [],
  learned: Learned | null = null,
): HardwareSpec {
  const found = findHardware(name, relativeTo);
  const read = 'path' in found ? readMachine(found.path, overrides) : found;
  if ('profile' in read) {
    const { profile } = read;
    return buildHardware(profile, runtimeOf(profile, profile.runtime ?? DEFAULT_RUNTIME, runtime, changes));
  }
  return 'file' in read
    ? hardwareOfFile(read.file, read.place, overrides, runtime, changes, learned)
    : hardwareOfParts(read.machine, overrides, runtime, changes, learned);
}

/** The machine of a parts file. @param place of the parts @throws UserError as {@link loadHardware} */
export function hardwareOfFile(
  file: MachineFile,
  place: string,
  overrides: readonly Override[] = [],
  runtime: RuntimeSpec | null = null,
  changes: readonly Override[] = [],
  learned: Learned | null = null,
): HardwareSpec {
  return hardwareOfParts(machineOfFile(file, place), overrides, runtime, changes, learned);
}

function hardwareOfParts(
  machine: Machine,
  overrides: readonly Override[],
  runtime: RuntimeSpec | null,
  changes: readonly Override[],
  learned: Learned | null,
): HardwareSpec {
  if (runtime !== null) demandDriven(runtime.name, machine.gpus[0]);
  const profile = checkValue(machineToProfile(machine), `machine ${machine.name}`, HardwareProfileSchema, overrides);
  const usual = runtimeOf(profile, defaultProfile(machine.gpus[0]?.vendor), runtime, changes);
  if (usual === null || learned === null) return { ...buildHardware(profile, usual), machine };
  const turned = learnedRuntime(
    usual,
    learned,
    changes.map(({ path }) => path.join('.')),
  );
  return { ...buildHardware(profile, turned), machine: { ...machine, calibration: learnedText(machine, usual, learned) } };
}

function runtimeOf(profile: HardwareProfile, usual: string, runtime: RuntimeSpec | null, changes: readonly Override[]): RuntimeSpec | null {
  if (!isCalibrated(profile)) return runtime ?? loadRuntime(usual, undefined, changes);
  refuseWithoutEffect(profile, runtime, changes);
  return runtime;
}

/** Runtime settings that apply to a calibrated machine. */
const COUNTS_ALWAYS = ['copy.overlap', 'prompt'];

/** @throws UserError for a runtime value that the calibrated machine states, or without a runtime */
function refuseWithoutEffect({ name }: HardwareProfile, runtime: RuntimeSpec | null, changes: readonly Override[]): void {
  const counts = (path: readonly string[]): boolean => COUNTS_ALWAYS.some((key) => `${path.join('.')}.`.startsWith(`${key}.`));
  const idle = changes.find(({ path }) => runtime === null || !counts(path));
  if (idle === undefined) return;
  const why =
    runtime === null
      ? 'has no runtime; name one with --runtime, or describe it without fractions'
      : `says this itself: of a runtime only ${COUNTS_ALWAYS.join(' and ')} count; leave it out, or describe the machine without fractions`;
  throw new UserError(`${idle.label}: ${name} is calibrated and ${why}`);
}

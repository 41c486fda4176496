// From a hardware profile and a runtime to the machine that a run works on.
import { findProfile } from '../base/profiles.js';
import { type Override, readYaml } from '../base/yaml.js';
import { besideHost, copiedOver, firstDevice, hostDevice, measuredDevice, measuredHost, softwareOf } from './devices.js';
import { type HardwareProfile, HardwareProfileSchema, isCalibrated } from './profile.js';
import { DEFAULT_RUNTIME, loadRuntime, type RuntimeSpec } from './runtime.js';
import type { HardwareSpec, LinkSpec } from './spec.js';

/**
 * Builds the machine that a profile describes, as a runtime drives it; tiers are what a model can use, reserves taken off.
 * @param runtime what kernels reach; null: the profile says it itself ({@link isCalibrated})
 */
export function buildHardware(profile: HardwareProfile, runtime: RuntimeSpec | null = null): HardwareSpec {
  const { cpu, gpu } = profile;
  const links = profile.links.map(link);
  const common = {
    name: profile.name,
    tiers: profile.tiers.map((tier) => ({ name: tier.name, bytes: tier.size - tier.reserve })),
    ...several(profile),
  };
  if (runtime === null) {
    return { ...common, links, gpu: measuredDevice(gpu), cpu: cpu === undefined ? null : measuredHost(cpu) };
  }
  const driven = besideHost(runtime, cpu ?? gpu);
  return {
    ...common,
    links: isCalibrated(profile) ? links : links.map((one) => copiedOver(one, runtime)),
    gpu: firstDevice(gpu, driven),
    cpu: cpu === undefined ? null : hostDevice(cpu, driven),
    software: softwareOf(runtime),
    ...(isCalibrated(profile) ? {} : { facts: { ...profile, name: undefined } }),
  };
}

function link({ bandwidth, chunk, flows = 'single', lanes, latency, name, paths: given }: HardwareProfile['links'][number]): LinkSpec {
  if (given === undefined) return { name, bandwidth: bandwidth!, latencyNs: latency!, lanes, chunkBytes: chunk ?? null };
  const paths = given.map((one) => ({ bandwidth: one.bandwidth, latencyNs: one.latency }));
  return {
    name,
    bandwidth: paths.reduce((sum, one) => sum + one.bandwidth, 0),
    latencyNs: Math.min(...paths.map((one) => one.latencyNs)),
    lanes: flows === 'single' ? paths.length : 1,
    chunkBytes: null,
    paths,
    flows,
  };
}

/** One GPU is as a machine that says nothing of several. */
function several({ gpus }: HardwareProfile): Pick<HardwareSpec, 'gpus'> {
  if (gpus === undefined || gpus.count === 1) return {};
  const { bandwidth, latency } = gpus.interconnect!;
  return { gpus: { count: gpus.count, interconnect: { bandwidth, latencyNs: latency } } };
}

/**
 * Loads a machine.
 * @param nameOrPath name of a bundled profile, or path of a YAML file, relative to `relativeTo`
 * @param overrides values that replace the profile's
 * @param runtime what drives it; null: the default, where the profile is not calibrated
 * @throws UserError where there is no such profile, or it is not well-formed
 */
export function loadHardware(
  nameOrPath: string,
  relativeTo?: string,
  overrides: readonly Override[] = [],
  runtime: RuntimeSpec | null = null,
): HardwareSpec {
  const profile = readYaml(findProfile('hardware', nameOrPath, relativeTo), HardwareProfileSchema, overrides);
  return buildHardware(profile, runtime ?? (isCalibrated(profile) ? null : loadRuntime(DEFAULT_RUNTIME)));
}

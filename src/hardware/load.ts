import { z } from 'zod';
import { readText } from '../base/input-file.js';
import { isObject } from '../base/objects.js';
import { findProfile, listProfiles, shownPath } from '../base/profiles.js';
import { locateYaml, type Override } from '../base/yaml.js';
import { besideHost, copiedOver, firstDevice, hostDevice, measuredDevice, measuredHost, softwareOf, underSystem } from './devices.js';
import { isComposition, type Machine, parseMachine, partNames } from './machine.js';
import { type MachineFile, machineFileSchema } from './machine-file.js';
import { type HardwareProfile, HardwareProfileSchema, isCalibrated } from './profile.js';
import type { RuntimeSpec } from './runtime.js';
import type { HardwareSpec, LinkSpec, PathSpec } from './spec.js';

/** A machine with the memory usable by a model. @param runtime reached speeds; null: in the profile */
export function buildHardware(profile: HardwareProfile, runtime: RuntimeSpec | null = null): HardwareSpec {
  const { cpu, gpu } = profile;
  const links = profile.links.map(link);
  const common = {
    name: profile.name,
    tiers: profile.tiers.map((tier) => ({ name: tier.name, bytes: tier.size - tier.reserve })),
    ...gpuSet(profile, runtime),
    ...hostClock(profile),
  };
  if (runtime === null) {
    return { ...common, links, gpu: measuredDevice(gpu), cpu: cpu === undefined ? null : measuredHost(cpu) };
  }
  const driven = besideHost(underSystem(runtime, profile.system), cpu ?? gpu);
  const copies = isCalibrated(profile) ? undefined : links.find((link) => link.name === 'h2d')?.bandwidth;
  return {
    ...common,
    links: isCalibrated(profile) ? links : links.map((link) => readOver(copiedOver(link, runtime), runtime)),
    gpu: firstDevice(gpu, driven),
    ...(gpu.isa !== undefined && gpu.bandwidthFraction === undefined ? { cpuOnly: true } : {}),
    cpu: cpu === undefined ? null : hostDevice(cpu, driven),
    software: softwareOf({ ...runtime, cache: driven.cache }, copies),
    ...(isCalibrated(profile) ? {} : { facts: { ...profile, name: undefined, runtime: undefined } }),
  };
}

function link({ bandwidth, chunk, flows = 'single', lanes, latency, name, paths: given }: HardwareProfile['links'][number]): LinkSpec {
  if (given === undefined) return { name, bandwidth: bandwidth!, latencyNs: latency!, lanes, chunkBytes: chunk ?? null };
  const paths = given.map((path) => ({ bandwidth: path.bandwidth, latencyNs: path.latency }));
  return {
    name,
    bandwidth: paths.reduce((sum, path) => sum + path.bandwidth, 0),
    latencyNs: Math.min(...paths.map((path) => path.latencyNs)),
    lanes: flows === 'single' ? paths.length : 1,
    chunkBytes: null,
    paths,
    flows,
  };
}

function gpuSet({ gpu, gpus }: HardwareProfile, runtime: RuntimeSpec | null): Pick<HardwareSpec, 'gpus'> {
  if (gpus === undefined || gpus.count === 1) return {};
  const { bandwidth, latency } = gpus.interconnect!;
  const common = { count: gpus.count, interconnect: { bandwidth, latencyNs: latency } };
  if (gpus.others === undefined || runtime === null) return { gpus: common };
  const others = gpus.others.map(({ reserve, size, ...facts }) => ({
    device: firstDevice({ ...gpu, ...facts }, runtime),
    bytes: size - reserve,
  }));
  return { gpus: { ...common, others } };
}

function hostClock({ cpu, gpu }: HardwareProfile): Pick<HardwareSpec, 'hostClock'> {
  const clock = cpu?.clock ?? gpu.clock;
  return clock === undefined ? {} : { hostClock: clock };
}

type Found = { readonly path: string } | { readonly machine: Machine };

/** A bundled name, a YAML file relative to `relativeTo`, or parts. @throws UserError for an unknown name or part */
export function findHardware(name: string, relativeTo?: string): Found {
  if (isComposed(name)) return { machine: parseMachine(name) };
  return { path: findProfile('hardware', bundledName(name) ?? name, relativeTo, partNames) };
}

/** True if a name lists parts, not a bundled name or a path. */
export const isComposed = (name: string): boolean => isComposition(name) && bundledName(name) === undefined;

/** In any case and with any separators: `RTX 4090` is rtx-4090. */
function bundledName(name: string): string | undefined {
  const spelled = name.toLowerCase().replaceAll(/[\s_]+/g, '-');
  return listProfiles('hardware').find((bundled) => bundled === spelled);
}

/** Reads a machine of parts, or of tiers and links with overrides. */
export function readMachine(
  path: string,
  overrides: readonly Override[],
): { readonly file: MachineFile; readonly place: string } | { readonly profile: HardwareProfile } {
  const text = readText(path);
  const shown = shownPath(path);
  const { value } = locateYaml(text, shown, z.unknown());
  if (!isObject(value) || !('parts' in value)) return { profile: locateYaml(text, shown, HardwareProfileSchema, overrides).value };
  const file = locateYaml(text, shown, machineFileSchema);
  return { file: file.value, place: `${file.place('parts')}: parts` };
}

/** Of a name, path or parts; null: another kind of machine. @throws UserError if missing or malformed */
export function readMachineFile(name: string): MachineFile | null {
  const found = findHardware(name);
  if (!('path' in found)) return null;
  const read = readMachine(found.path, []);
  return 'file' in read ? read.file : null;
}
/**
 * Rate of reads of `size` bytes with `inFlight` at once (may be fractional), bytes/s: latency + size / bandwidth each,
 * at most the drive's rate. 128 KiB sequentially at 3.5 GB/s and 80 us: 1.1 GB/s; llama.cpp measured 1.22 (PR 28223).
 */
export function readRate({ bandwidth, latencyNs }: PathSpec, size: number, inFlight: number): number {
  return Math.min(bandwidth, (inFlight * size * 1e9) / (latencyNs + (size * 1e9) / bandwidth));
}

/** A link from drives: whole experts in parallel; a mapped file in pieces, expert by expert, shared by all drives. */
export function readOver(link: LinkSpec, { read }: RuntimeSpec): LinkSpec {
  if (link.name !== 'ssd' || read.size === 'expert') return link;
  const { size, inFlight } = read;
  const { paths = [link] } = link;
  const reached = paths.map((path) => ({ bandwidth: readRate(path, size, inFlight / paths.length), latencyNs: 0 }));
  const bandwidth = reached.reduce((sum, path) => sum + path.bandwidth, 0);
  return { ...link, bandwidth, latencyNs: 0, lanes: link.flows === 'single' ? paths.length : 1, ...(link.paths && { paths: reached }) };
}

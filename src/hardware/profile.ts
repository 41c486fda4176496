// A hardware profile: what a data sheet, a benchmark or a calibration says about one machine, read from `profiles/hardware/*.yaml`.
import { z } from 'zod';
import { findProfile } from '../base/profiles.js';
import { BYTES, DURATION, FLOPS, RATE, SHARE } from '../base/units.js';
import { type Override, quantity, readYaml } from '../base/yaml.js';
import { type Device, FLOWS, type HardwareSpec, type HostDevice, type LinkSpec, NUMA } from './spec.js';

const positive = (kind: Parameters<typeof quantity>[0]) =>
  quantity(kind).refine((value) => value > 0, { error: 'must be more than 0', abort: true });

const deviceFields = {
  /** Dense matrix throughput of the data sheet, without sparsity. */
  peak: positive(FLOPS),
  memoryBandwidth: positive(RATE),
  /** Fractions of the two that large matrix products and weight-bound kernels reach. */
  computeFraction: positive(SHARE),
  bandwidthFraction: positive(SHARE),
  /** Overheads: per expert, per decoder layer, per pass. */
  launch: quantity(DURATION).default(0),
  perLayer: quantity(DURATION).default(0),
  perPass: quantity(DURATION).default(0),
};

/** Bandwidth and latency of a path of a link, or from one socket to another. */
const path = z.strictObject({ bandwidth: positive(RATE), latency: quantity(DURATION) });

/** Schema of `profiles/hardware/*.yaml`. */
export const HardwareProfileSchema = z
  .strictObject({
    name: z.string().min(1),
    /** From where experts execute to where they are all kept. */
    tiers: z
      .array(
        z.strictObject({
          name: z.enum(['gpu', 'unified', 'dram', 'ssd']),
          size: positive(BYTES),
          /** Not available to a model: driver and framework, operating system. */
          reserve: quantity(BYTES).default(0),
        }),
      )
      .min(1),
    links: z
      .array(
        z.strictObject({
          name: z.enum(['h2d', 'ssd']),
          /** Of the whole link; absent where it has paths. */
          bandwidth: positive(RATE).optional(),
          latency: quantity(DURATION).optional(),
          lanes: z.int().positive().default(1),
          /** Bytes after which a started transfer yields to a demand; absent: it is never interrupted. */
          chunk: positive(BYTES).optional(),
          /** Several ways that differ in speed: PCIe roots, NVLink beside PCIe, the disks of an array. */
          paths: z.array(path).min(2).optional(),
          /** `single`: each transfer runs on the path where it ends first; `split`: its bytes are divided over all. With `paths`: single. */
          flows: z.enum(FLOWS).optional(),
        }),
      )
      .default([]),
    gpu: z.strictObject(deviceFields),
    /** Several of these GPUs, each with its own memory and its own link to DRAM. Absent: one. */
    gpus: z.strictObject({ count: z.int().positive(), interconnect: path.optional() }).optional(),
    /** Figures are those of one socket. */
    cpu: z
      .strictObject({
        ...deviceFields,
        handover: quantity(DURATION),
        sockets: z.int().positive().default(1),
        numa: z.enum(NUMA).optional(),
        interconnect: path.optional(),
      })
      .optional(),
  })
  .superRefine((profile, context) => {
    const refuse = (path: (string | number)[], message: string): void => context.addIssue({ code: 'custom', path, message });
    const { cpu, gpus, tiers, links } = profile;
    if (links.length !== tiers.length - 1)
      refuse(['links'], `${tiers.length} tiers need ${tiers.length - 1} links, one between neighbours, not ${links.length}`);
    const orders = [
      ['gpu', 'dram', 'ssd'],
      ['unified', 'ssd'],
    ];
    if (!orders.some((order) => tiers.every((tier, i) => order[i] === tier.name)))
      refuse(['tiers'], 'must be gpu, dram, ssd or unified, ssd, in this order; the last ones may be left out');
    for (const [i, link] of links.entries()) {
      const needed = tiers[i + 1]?.name === 'ssd' ? 'ssd' : 'h2d';
      if (tiers[i + 1] !== undefined && link.name !== needed)
        refuse(['links', i, 'name'], `the link from ${tiers[i + 1]!.name} is ${needed}`);
      if (link.paths === undefined) {
        if (link.bandwidth === undefined || link.latency === undefined)
          refuse(['links', i], 'needs a bandwidth and a latency, or several paths that have them');
        if (link.flows !== undefined) refuse(['links', i, 'flows'], 'says how several paths are used; give paths, or leave it out');
      } else {
        for (const key of ['bandwidth', 'latency', 'chunk'] as const)
          if (link[key] !== undefined) refuse(['links', i, key], 'belongs to a link of one path; leave it out beside paths');
        if (link.lanes !== 1) refuse(['links', i, 'lanes'], 'belongs to a link of one path; leave it out beside paths');
      }
    }
    for (const [i, tier] of tiers.entries()) {
      if (tier.reserve >= tier.size) refuse(['tiers', i, 'reserve'], 'must be less than the size');
    }
    if (gpus !== undefined && gpus.count > 1) {
      if (tiers[0]?.name !== 'gpu' || tiers[1]?.name !== 'dram') refuse(['gpus'], 'several GPUs need a gpu and a dram tier');
      if (gpus.interconnect === undefined)
        refuse(['gpus', 'count'], `${gpus.count} GPUs need an interconnect: { bandwidth, latency } between them`);
    }
    if (cpu !== undefined && tiers[1]?.name !== 'dram') refuse(['cpu'], 'needs a dram tier to compute on; leave it out');
    if (cpu !== undefined && cpu.sockets > 1 && cpu.interconnect === undefined)
      refuse(['cpu', 'sockets'], `${cpu.sockets} sockets need an interconnect: { bandwidth, latency } between them`);
    for (const key of ['numa', 'interconnect'] as const)
      if (cpu?.sockets === 1 && cpu[key] !== undefined)
        refuse(['cpu', key], 'is between sockets, and there is one; say sockets: 2, or leave it out');
  });

/** A checked hardware profile. */
export type HardwareProfile = z.infer<typeof HardwareProfileSchema>;

/** Builds the machine that a profile describes; tiers are what a model can use, reserves taken off. */
export function buildHardware(profile: HardwareProfile): HardwareSpec {
  return {
    name: profile.name,
    tiers: profile.tiers.map((tier) => ({ name: tier.name, bytes: tier.size - tier.reserve })),
    links: profile.links.map(link),
    gpu: device(profile.gpu),
    ...several(profile),
    cpu: profile.cpu === undefined ? null : host(profile.cpu),
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

function host({ handover, interconnect, numa = 'expert', sockets, ...rest }: NonNullable<HardwareProfile['cpu']>): HostDevice {
  const one = { ...device(rest), handoverNs: handover };
  if (sockets === 1) return one;
  const { bandwidth, latency } = interconnect!;
  return { ...one, sockets: { count: sockets, numa, interconnect: { bandwidth, latencyNs: latency } } };
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
 * @throws UserError where there is no such profile, or it is not well-formed
 */
export function loadHardware(nameOrPath: string, relativeTo?: string, overrides: readonly Override[] = []): HardwareSpec {
  return buildHardware(readYaml(findProfile('hardware', nameOrPath, relativeTo), HardwareProfileSchema, overrides));
}

function device(profile: HardwareProfile['gpu']): Device {
  return {
    peakFlops: profile.peak,
    memoryBandwidth: profile.memoryBandwidth,
    computeFraction: profile.computeFraction,
    bandwidthFraction: profile.bandwidthFraction,
    launchNs: profile.launch,
    perLayerNs: profile.perLayer,
    perPassNs: profile.perPass,
  };
}

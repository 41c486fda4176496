// A hardware profile: what a data sheet, a benchmark or a calibration says about one machine, read from `profiles/hardware/*.yaml`.
import { z } from 'zod';
import { findProfile } from '../base/profiles.js';
import { BYTES, DURATION, FLOPS, RATE, SHARE } from '../base/units.js';
import { type Override, quantity, readYaml } from '../base/yaml.js';
import type { Device, HardwareSpec } from './spec.js';

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
          bandwidth: positive(RATE),
          latency: quantity(DURATION),
          lanes: z.int().positive().default(1),
          /** Bytes after which a started transfer yields to a demand; absent: it is never interrupted. */
          chunk: positive(BYTES).optional(),
        }),
      )
      .default([]),
    gpu: z.strictObject(deviceFields),
    cpu: z.strictObject({ ...deviceFields, handover: quantity(DURATION) }).optional(),
  })
  .superRefine((profile, context) => {
    const refuse = (path: (string | number)[], message: string): void => context.addIssue({ code: 'custom', path, message });
    const { tiers, links } = profile;
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
    }
    for (const [i, tier] of tiers.entries()) {
      if (tier.reserve >= tier.size) refuse(['tiers', i, 'reserve'], 'must be less than the size');
    }
    if (profile.cpu !== undefined && tiers[1]?.name !== 'dram') refuse(['cpu'], 'needs a dram tier to compute on; leave it out');
  });

/** A checked hardware profile. */
export type HardwareProfile = z.infer<typeof HardwareProfileSchema>;

/** Builds the machine that a profile describes; tiers are what a model can use, reserves taken off. */
export function buildHardware(profile: HardwareProfile): HardwareSpec {
  return {
    name: profile.name,
    tiers: profile.tiers.map((tier) => ({ name: tier.name, bytes: tier.size - tier.reserve })),
    links: profile.links.map((link) => ({
      name: link.name,
      bandwidth: link.bandwidth,
      latencyNs: link.latency,
      lanes: link.lanes,
      chunkBytes: link.chunk ?? null,
    })),
    gpu: device(profile.gpu),
    cpu: profile.cpu === undefined ? null : { ...device(profile.cpu), handoverNs: profile.cpu.handover },
  };
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

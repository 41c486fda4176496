import { z } from 'zod';
import { BYTES, DURATION, FLOPS, RATE, SHARE } from '../base/units.js';
import { onOff } from '../base/written.js';
import { positiveQuantity as positive, quantity } from '../base/yaml.js';
import { FLOWS, NUMA } from './spec.js';

/** Facts of a device, or with measured shares a full calibration, overheads included. */
const deviceFields = {
  peak: positive(FLOPS).optional(),
  memoryBandwidth: positive(RATE),
  cores: z.int().positive().optional(),
  clock: z.number().positive().optional(),
  isa: z.string().min(1).optional(),
  sockets: z.int().positive().default(1),
  generation: z.string().min(1).optional(),
  memory: z.string().min(1).optional(),
  halved: onOff.optional(),
  covered: onOff.optional(),
  computeFraction: positive(SHARE).optional(),
  bandwidthFraction: positive(SHARE).optional(),
  launch: quantity(DURATION).optional(),
  perLayer: quantity(DURATION).optional(),
  perPass: quantity(DURATION).optional(),
};

const path = z.strictObject({ bandwidth: positive(RATE), latency: quantity(DURATION) });

const machineFields = z.strictObject({
  name: z.string().min(1),
  system: z.enum(['linux', 'windows', 'macos']).optional(),
  runtime: z.string().min(1).optional(),
  tiers: z
    .array(
      z.strictObject({
        name: z.enum(['gpu', 'unified', 'dram', 'ssd']),
        size: positive(BYTES),
        reserve: quantity(BYTES).default(0),
      }),
    )
    .min(1),
  links: z
    .array(
      z.strictObject({
        name: z.enum(['h2d', 'ssd']),
        bandwidth: positive(RATE).optional(),
        latency: quantity(DURATION).optional(),
        lanes: z.int().positive().default(1),
        chunk: positive(BYTES).optional(),
        paths: z.array(path).min(2).optional(),
        flows: z.enum(FLOWS).optional(),
      }),
    )
    .default([]),
  gpu: z.strictObject(deviceFields),
  gpus: z
    .strictObject({
      count: z.int().positive(),
      interconnect: path.optional(),
      others: z
        .array(
          z.strictObject({
            peak: positive(FLOPS),
            memoryBandwidth: positive(RATE),
            size: positive(BYTES),
            reserve: quantity(BYTES).default(0),
          }),
        )
        .min(1)
        .optional(),
    })
    .optional(),
  cpu: z
    .strictObject({
      ...deviceFields,
      handover: quantity(DURATION).optional(),
      sockets: z.int().positive().default(1),
      numa: z.enum(NUMA).optional(),
      interconnect: path.optional(),
    })
    .optional(),
});

/** Schema of a machine with tiers and links. */
export const HardwareProfileSchema = machineFields.superRefine((profile, context) => {
  const refuse: Refuse = (path, message) => context.addIssue({ code: 'custom', path, message });
  checkDevice('gpu', profile.gpu, refuse);
  checkCpu(profile, refuse);
  checkTiers(profile, refuse);
  checkLinks(profile, refuse);
  for (const [i, tier] of profile.tiers.entries())
    if (tier.reserve >= tier.size) refuse(['tiers', i, 'reserve'], 'must be less than the size');
  checkSeveralGpus(profile, refuse);
  checkSockets(profile, refuse);
});

type Refuse = (path: (string | number)[], message: string) => void;
type DeviceFields = z.infer<z.ZodObject<typeof deviceFields>>;
type Fields = z.infer<typeof machineFields>;

function checkCpu(profile: Fields, refuse: Refuse): void {
  const { cpu } = profile;
  if (cpu === undefined) return;
  checkDevice('cpu', cpu, refuse);
  if (isCalibrated(profile) && cpu.bandwidthFraction === undefined)
    refuse(['cpu'], 'needs computeFraction and bandwidthFraction as measured, as the GPU has');
  if (cpu.bandwidthFraction !== undefined && cpu.handover === undefined)
    refuse(['cpu', 'handover'], 'is missing; give it as measured, e.g. 36us');
}

function checkTiers({ links, tiers }: Fields, refuse: Refuse): void {
  if (links.length !== tiers.length - 1)
    refuse(['links'], `${tiers.length} tiers need ${tiers.length - 1} links, one between neighbours, not ${links.length}`);
  const orders = [
    ['gpu', 'dram', 'ssd'],
    ['unified', 'ssd'],
  ];
  if (!orders.some((order) => tiers.every((tier, i) => order[i] === tier.name)))
    refuse(['tiers'], 'must be gpu, dram, ssd or unified, ssd, in this order; the last ones may be left out');
}

function checkLinks({ links, tiers }: Fields, refuse: Refuse): void {
  for (const [i, link] of links.entries()) {
    const from = tiers[i + 1]?.name;
    const needed = from === 'ssd' ? 'ssd' : 'h2d';
    if (from !== undefined && link.name !== needed) refuse(['links', i, 'name'], `the link from ${from} is ${needed}`);
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
}

function checkSeveralGpus({ gpu, gpus, tiers }: Fields, refuse: Refuse): void {
  if (gpus === undefined || gpus.count === 1) return;
  if (tiers[0]?.name !== 'gpu' || tiers[1]?.name !== 'dram') refuse(['gpus'], 'several GPUs need a gpu and a dram tier');
  if (gpus.others !== undefined && gpus.others.length !== gpus.count - 1)
    refuse(['gpus', 'others'], `${gpus.count} GPUs are one and ${gpus.count - 1} others, not ${gpus.others.length}`);
  if (gpus.others !== undefined && gpu.bandwidthFraction !== undefined)
    refuse(['gpus', 'others'], 'are facts, and the first GPU is calibrated; leave its fractions out, or these');
  if (gpus.interconnect === undefined)
    refuse(['gpus', 'count'], `${gpus.count} GPUs need an interconnect: { bandwidth, latency } between them`);
}

function checkSockets({ cpu, tiers }: Fields, refuse: Refuse): void {
  if (cpu === undefined) return;
  if (tiers[1]?.name !== 'dram') refuse(['cpu'], 'needs a dram tier to compute on; leave it out');
  if (cpu.sockets > 1 && cpu.interconnect === undefined)
    refuse(['cpu', 'sockets'], `${cpu.sockets} sockets need an interconnect: { bandwidth, latency } between them`);
  for (const key of ['numa', 'interconnect'] as const)
    if (cpu.sockets === 1 && cpu[key] !== undefined)
      refuse(['cpu', key], 'is between sockets, and there is one; say sockets: 2, or leave it out');
}

const RUNTIME_NAMES = { launch: 'expert', perLayer: 'layer', perPass: 'pass' } as const;

function checkDevice(key: 'gpu' | 'cpu', device: DeviceFields, refuse: Refuse): void {
  const shares = [device.computeFraction, device.bandwidthFraction].filter((value) => value !== undefined).length;
  const asCores = device.cores !== undefined && device.clock !== undefined && device.isa !== undefined;
  if (shares === 1) refuse([key], 'needs both computeFraction and bandwidthFraction as measured, or neither: the runtime then says');
  if (shares === 2 && device.peak === undefined) refuse([key, 'peak'], 'is missing; computeFraction is a share of it');
  if (shares > 0) return;
  if (key === 'gpu' && device.peak === undefined && !asCores)
    refuse([key, 'peak'], 'is missing; give it, or cores, clock and isa where the CPU computes everything');
  if (key === 'cpu' && !asCores) refuse([key], 'needs cores, clock and isa, or computeFraction and bandwidthFraction as measured');
  for (const overhead of ['launch', 'perLayer', 'perPass'] as const)
    if (device[overhead] !== undefined)
      refuse(
        [key, overhead],
        `is the runtime's where the machine is not calibrated; leave it out, or set runtime.${RUNTIME_NAMES[overhead]}`,
      );
}

/** Facts of a machine from a data sheet, a benchmark or a calibration, from `profiles/hardware/*.yaml` or parts. */
export type HardwareProfile = z.infer<typeof HardwareProfileSchema>;
/** Input form of a hardware profile: quantities as numbers or with units. */
export type HardwareProfileInput = z.input<typeof HardwareProfileSchema>;

/** True if a profile states measured kernel speeds of its devices, software included. */
export function isCalibrated({ gpu }: { readonly gpu: Pick<HardwareProfile['gpu'], 'bandwidthFraction'> }): boolean {
  return gpu.bandwidthFraction !== undefined;
}

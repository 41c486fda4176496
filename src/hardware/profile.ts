import { z } from 'zod';
import { BYTES, DURATION, FLOPS, RATE, SHARE } from '../base/units.js';
import { onOff } from '../base/written.js';
import { positiveQuantity as positive, quantity } from '../base/yaml.js';
import { FLOWS, NUMA } from './spec.js';

const word = z.string().min(1);
const count = z.int().positive();
const duration = quantity(DURATION);

/** Facts; with measured shares a full calibration, overheads included. */
const deviceFields = {
  peak: positive(FLOPS)
    .optional()
    .describe('Dense matrix throughput of the data sheet, without sparsity, e.g. 165 TFLOP/s. Absent: from cores, clock and isa.'),
  memoryBandwidth: positive(RATE).describe('Memory bandwidth of the data sheet, e.g. 1008 GB/s.'),
  cores: count.optional().describe('Cores of a CPU (of one socket).'),
  clock: z.number().positive().optional().describe('Base clock of a CPU in GHz.'),
  isa: word.optional().describe('Widest instruction set of a CPU: avx2, avx512, avx512-vnni, amx, neon.'),
  sockets: count.default(1).describe('Sockets of a CPU in the place of a GPU, whose cores and memories the other figures count together.'),
  generation: word.optional().describe('Generation of a CPU, as runtimes name it: zen4, haswell, ice-lake. Absent: only its isa is known.'),
  memory: word
    .optional()
    .describe('Kind of the memory of a CPU, as runtimes name it: ddr4, ddr5, amd-server, intel-server. Absent: nothing says.'),
  halved: onOff.optional().describe('on: the FP16 rate of the card is half of its tensor units, as on GeForce. Absent: off.'),
  covered: onOff
    .optional()
    .describe('on: the GPU has at most 7 GB/s of memory a multiprocessor, so that reads in flight cover its latency. Absent: off.'),
  computeFraction: positive(SHARE)
    .optional()
    .describe('Measured share of the peak that large matrix products reach, e.g. 70%. Absent: as the runtime says.'),
  bandwidthFraction: positive(SHARE)
    .optional()
    .describe('Measured share of the memory bandwidth that weight-bound kernels reach, e.g. 80%. Absent: as the runtime says.'),
  launch: duration.optional().describe('Measured overhead of each expert, e.g. 8us. Only beside the measured shares; absent: none.'),
  perLayer: duration.optional().describe('The same of each decoder layer, e.g. 20us.'),
  perPass: duration.optional().describe('The same of each pass, e.g. 200us.'),
};

const machineFields = z.strictObject({
  name: word.describe('Name, as reports show it.'),
  system: z.enum(['linux', 'windows', 'macos']).optional().describe('Operating system. Absent: linux.'),
  runtime: word.optional().describe('Bundled runtime that usually drives it, where neither run nor system names one. Absent: llama.cpp.'),
  tiers: z
    .array(
      z.strictObject({
        name: z.enum(['gpu', 'unified', 'dram', 'ssd']).describe('Which memory it is.'),
        size: positive(BYTES).describe('Size, e.g. 24GiB.'),
        reserve: quantity(BYTES).default(0).describe('What a model cannot have: driver, framework, operating system.'),
      }),
    )
    .min(1)
    .describe('Memories, from where experts execute to where they are all kept: gpu, dram, ssd or unified, ssd.'),
  links: z
    .array(
      z.strictObject({
        name: z.enum(['h2d', 'ssd']).describe('h2d into the GPU, ssd from the SSD.'),
        bandwidth: positive(RATE)
          .optional()
          .describe('Measured bandwidth of large transfers, e.g. 25 GB/s. Absent where the link has paths.'),
        latency: duration.optional().describe('Fixed time of each transfer, e.g. 10us.'),
        lanes: count.default(1).describe('Transfers at a time; they share the bandwidth.'),
        chunk: positive(BYTES)
          .optional()
          .describe('Bytes after which a started transfer yields to a demand. Absent: it is never interrupted.'),
        paths: z
          .array(
            z.strictObject({
              bandwidth: positive(RATE).describe('Measured bandwidth of large transfers over this path alone.'),
              latency: duration.describe('Fixed time of each transfer over this path.'),
            }),
          )
          .min(2)
          .optional()
          .describe('Several ways that differ in speed: PCIe roots, NVLink beside PCIe, the disks of an array.'),
        flows: z
          .enum(FLOWS)
          .optional()
          .describe(
            'single: each transfer runs on the path where it ends first. ' +
              'split: its bytes are divided over all, so that they end together.',
          ),
      }),
    )
    .default([])
    .describe('Links between neighbouring tiers, one fewer than tiers.'),
  gpu: z.strictObject(deviceFields).describe('The device that executes dense layers and resident experts.'),
  gpus: z
    .strictObject({
      count: count.describe('How many.'),
      interconnect: z
        .strictObject({
          bandwidth: positive(RATE).describe('What one GPU sends, and receives at once, in an all-to-all, e.g. 340 GB/s.'),
          latency: duration.describe('Fixed time of each all-to-all, e.g. 20us.'),
        })
        .optional()
        .describe('What joins them.'),
      others: z
        .array(
          z.strictObject({
            peak: positive(FLOPS).describe('Dense matrix throughput, as of gpu.'),
            memoryBandwidth: positive(RATE).describe('Memory bandwidth, as of gpu.'),
            size: positive(BYTES).describe('Its memory, e.g. 24GiB.'),
            reserve: quantity(BYTES).default(0).describe('What a model cannot have of it.'),
          }),
        )
        .min(1)
        .optional()
        .describe('The second and further GPUs, where they are not all like the first. Absent: they are.'),
    })
    .optional()
    .describe('Several of these GPUs, each with its own memory and its own link to DRAM. Absent: one.'),
  cpu: z
    .strictObject({
      ...deviceFields,
      handover: duration
        .optional()
        .describe('Measured time to hand activations over and take the result back, e.g. 30us. Absent: as the runtime says.'),
      sockets: deviceFields.sockets.describe('Sockets, each with cores and memory of its own; the other figures are those of one.'),
      numa: z
        .enum(NUMA)
        .optional()
        .describe(
          "How experts use the sockets. expert: each is one socket's (id modulo sockets). tensor: each " +
            'is cut into slices, one a socket. interleaved: pages are spread, all compute together.',
        ),
      interconnect: z
        .strictObject({
          bandwidth: positive(RATE).describe("Bandwidth at which a socket reads another's memory, e.g. 60 GB/s."),
          latency: duration.describe('What waiting for the other sockets costs at the end of an expert that they share, e.g. 1us.'),
        })
        .optional()
        .describe('Between the sockets.'),
    })
    .optional()
    .describe('The device that may compute experts where they lie in DRAM.'),
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

/** Facts from a data sheet, a benchmark or a calibration: `profiles/hardware/*.yaml` or parts. */
export type HardwareProfile = z.infer<typeof HardwareProfileSchema>;
/** Input form of a hardware profile: quantities as numbers or with units. */
export type HardwareProfileInput = z.input<typeof HardwareProfileSchema>;

/** Measured kernel speeds of the devices, software included. */
export function isCalibrated({ gpu }: { readonly gpu: Pick<HardwareProfile['gpu'], 'bandwidthFraction'> }): boolean {
  return gpu.bandwidthFraction !== undefined;
}

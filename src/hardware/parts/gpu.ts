// Graphics cards and GPUs of chips: facts of data sheets, read from profiles/hardware/gpus/*.yaml.
import { z } from 'zod';
import { BYTES, FLOPS, RATE } from '../../base/units.js';
import { quantity } from '../../base/yaml.js';
import { type Catalogue, type CataloguePart, groupFields, groupList, lazyCatalogue } from './catalogue.js';
import { type PcieLink, parseSlot } from './pcie.js';

const VENDORS = ['nvidia', 'amd', 'intel', 'apple'] as const;

/** A GPU: bytes, bytes/s, FLOP/s. */
export interface GpuPart extends CataloguePart {
  readonly vendor: (typeof VENDORS)[number];
  readonly memoryBytes: number;
  /** Data sheet. */
  readonly memoryBandwidth: number;
  /** A plain read, where measured. */
  readonly measuredBandwidth?: number;
  /** Dense rate with FP32 accumulation of FP16 on tensor units; the FP32 rate of the shaders where there are none. */
  readonly fp16Flops: number;
  /** Absent where the GPU is on the chip of the CPU. */
  readonly pcie?: PcieLink;
  /** Bytes/s in one direction that join it to its like (NVLink, Infinity Fabric). Absent: PCIe. */
  readonly link?: number;
  /** True where it shares the memory of the CPU; `chip` is that CPU then. */
  readonly unified?: boolean;
  /** Name of the CPU on the same chip. */
  readonly chip?: string;
}

const slot = z.string().transform((text, context): PcieLink => {
  const read = parseSlot(text);
  if (read !== null) return read;
  context.addIssue({ code: 'custom', message: `"${text}" is not a slot; write generation x lanes, e.g. 4x16` });
  return z.NEVER;
});

const own = {
  ...groupFields,
  pcie: slot.describe('PCIe generation x lanes of the card, e.g. 4x16.'),
};

/** Schema of `profiles/hardware/gpus/*.yaml`. */
export const gpuFileSchema = z.strictObject({
  vendor: z.enum(VENDORS).describe('Who makes them.'),
  groups: groupList({ ...own, pcie: own.pcie.optional() }, own, {
    memory: quantity(BYTES).describe('Memory, e.g. 24GiB; of a chip, the most that it is sold with.'),
    bus: z.int().positive().describe('Width of the memory bus in bits.'),
    pins: z.number().positive().describe('Gbit/s of one bit of it.'),
    bandwidth: quantity(RATE).describe('Memory bandwidth that the vendor gives.'),
    fp16: quantity(FLOPS).describe('Dense FP16 with FP32 accumulation; FP32 where there are no tensor units.'),
    link: quantity(RATE).optional().describe('One direction of NVLink or Infinity Fabric.'),
    cpu: z.string().min(1).optional().describe('CPU on the same chip, of ../cpus/: its memory is shared.'),
  }),
});

/** All GPUs. */
export const GPUS: Catalogue<GpuPart> = lazyCatalogue('gpus', gpuFileSchema, ({ groups, vendor }) =>
  groups.flatMap(({ parts, ...group }) =>
    parts.map(({ aka = [], bandwidth, bus: _bus, cpu, fp16, memory, pins: _pins, ...part }) => ({
      aka,
      part: {
        ...group,
        ...part,
        vendor,
        memoryBytes: memory,
        memoryBandwidth: bandwidth,
        fp16Flops: fp16,
        ...(cpu !== undefined && { unified: true, chip: cpu }),
      },
    })),
  ),
);

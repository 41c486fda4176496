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
  readonly memoryBandwidth: number;
  /** Measured by a plain read. */
  readonly measuredBandwidth?: number;
  /** Dense FP16 rate with FP32 accumulation on tensor units; without tensor units, the shaders' FP32 rate. */
  readonly fp16Flops: number;
  /** Absent for a GPU on the CPU's chip. */
  readonly pcie?: PcieLink;
  /** Bytes/s per direction between equal GPUs (NVLink, Infinity Fabric). Absent: PCIe. */
  readonly link?: number;
  /** True: shares memory with the CPU named in `chip`. */
  readonly unified?: boolean;
  readonly chip?: string;
  /** Multiprocessors (AMD: compute units). Absent: not listed. */
  readonly units?: number;
}

const slot = z.string().transform((text, context): PcieLink => {
  const read = parseSlot(text);
  if (read !== null) return read;
  context.addIssue({ code: 'custom', message: `"${text}" is not a slot; write generation x lanes, e.g. 4x16` });
  return z.NEVER;
});

const fields = {
  ...groupFields,
  pcie: slot,
};

/** Schema of `profiles/hardware/gpus/*.yaml`. */
export const gpuFileSchema = z.strictObject({
  vendor: z.enum(VENDORS),
  groups: groupList({ ...fields, pcie: fields.pcie.optional() }, fields, {
    memory: quantity(BYTES),
    bus: z.int().positive(),
    pins: z.number().positive(),
    bandwidth: quantity(RATE),
    fp16: quantity(FLOPS),
    link: quantity(RATE).optional(),
    cpu: z.string().min(1).optional(),
    units: z.int().positive().optional(),
  }),
});

/** Graphics cards and chip GPUs by data sheet, from profiles/hardware/gpus/*.yaml. */
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

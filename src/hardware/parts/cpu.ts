// Processors: facts of data sheets, read from profiles/hardware/cpus/*.yaml.
import { z } from 'zod';
import { BYTES } from '../../base/units.js';
import { quantity } from '../../base/yaml.js';
import { type Catalogue, type CataloguePart, groupFields, groupList, lazyCatalogue } from './catalogue.js';
import { type MemorySlots, parseMemory } from './memory.js';

/** Instruction sets that decide how fast quantized weights are unpacked: each x86 one includes those before it. */
const ISAS = ['avx2', 'avx512', 'avx512-vnni', 'amx', 'neon'] as const;

/** One socket. */
export interface CpuPart extends CataloguePart {
  /** Of all kinds together. */
  readonly cores: number;
  /** Base clock in Hz; of the fast cores where there are two kinds. */
  readonly clockHz: number;
  readonly isa: (typeof ISAS)[number];
  /** Operations of one core in one cycle: FP32 on vector units, BF16 with AMX. */
  readonly flopsPerCycle: number;
  readonly l3Bytes?: number;
  /** The fastest memory that the vendor lists, with all channels of a socket. */
  readonly memory: MemorySlots;
  /** Most sockets of a board. */
  readonly sockets: number;
  /** PCIe generation of the slot for a graphics card. Absent: the chip has none. */
  readonly pcieGeneration?: number;
}

const memory = z.string().transform((text, context): MemorySlots => {
  const read = parseMemory(text);
  if (read?.channels !== undefined) return { ...read, channels: read.channels };
  context.addIssue({ code: 'custom', message: `"${text}" is not memory; write channels x type-speed, e.g. 2xddr5-5600` });
  return z.NEVER;
});

const own = {
  ...groupFields,
  isa: z.enum(ISAS).describe('Widest instruction set.'),
  flops: z.int().positive().describe('Operations of one core in one cycle: FP32 on vector units, BF16 with AMX.'),
  memory: memory.describe('Fastest memory of a socket: channels x type-speed.'),
  pcie: z.int().positive().describe('PCIe generation of the slot for a graphics card.'),
  sockets: z.int().positive().describe('Most on one board.'),
};

/** Schema of `profiles/hardware/cpus/*.yaml`. */
export const cpuFileSchema = z.strictObject({
  groups: groupList({ ...own, pcie: own.pcie.optional(), sockets: own.sockets.default(1) }, own, {
    cores: z.int().positive().describe('Cores of all kinds.'),
    clock: z.number().positive().describe('Base clock in GHz; of the fast cores where there are two kinds.'),
    l3: quantity(BYTES).optional().describe('L3 cache.'),
  }),
});

/** All CPUs. */
export const CPUS: Catalogue<CpuPart> = lazyCatalogue('cpus', cpuFileSchema, ({ groups }) =>
  groups.flatMap(({ parts, ...group }) =>
    parts.map(({ aka = [], ...part }) => {
      const { clock, flops, l3, pcie, ...rest } = { ...group, ...part };
      return {
        aka,
        part: {
          ...rest,
          clockHz: clock * 1e9,
          flopsPerCycle: flops,
          ...(l3 !== undefined && { l3Bytes: l3 }),
          ...(pcie !== undefined && { pcieGeneration: pcie }),
        },
      };
    }),
  ),
);

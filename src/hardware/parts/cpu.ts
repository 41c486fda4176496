import { z } from 'zod';
import { definedFields } from '../../base/objects.js';
import { BYTES } from '../../base/units.js';
import { quantity } from '../../base/yaml.js';
import { type Catalogue, type CataloguePart, groupFields, groupList, lazyCatalogue } from './catalogue.js';
import { type MemorySlots, parseMemory } from './memory.js';

/** Instruction sets by unpacking speed: each x86 set includes the previous sets. */
const ISAS = ['avx2', 'avx512', 'avx512-vnni', 'amx', 'neon'] as const;

/** Core microarchitectures by maker. */
const ARCHS = [
  ...['zen1', 'zen2', 'zen3', 'zen4', 'zen5'],
  ...['sandy-bridge', 'ivy-bridge', 'haswell', 'broadwell', 'skylake', 'kaby-lake', 'ice-lake-client', 'rocket-lake'],
  ...['alder-lake', 'raptor-lake', 'meteor-lake', 'arrow-lake', 'lunar-lake'],
  ...['skylake-x', 'cascade-lake', 'ice-lake', 'sapphire-rapids', 'emerald-rapids', 'granite-rapids', 'sierra-forest'],
  ...['neoverse-n1', 'neoverse-n2', 'neoverse-v1', 'neoverse-v2', 'neoverse-v3ae', 'carmel', 'cortex-a78ae', 'cortex-x925'],
  ...['m1', 'm2', 'm3', 'm4', 'm5'],
] as const;
/** Microarchitecture of a CPU's (fast) cores. */
export type CpuArch = (typeof ARCHS)[number];

/** A CPU socket. */
export interface CpuPart extends CataloguePart {
  readonly arch: CpuArch;
  readonly cores: number;
  /** Fast cores; absent: all cores are equal. */
  readonly fastCores?: number;
  /** Base clock of the (fast) cores, Hz. */
  readonly clockHz: number;
  readonly isa: (typeof ISAS)[number];
  /** Operations per core and cycle: FP32 on vector units, BF16 with AMX. */
  readonly flopsPerCycle: number;
  readonly l3Bytes?: number;
  /** Fastest memory listed by the vendor, on all channels of a socket. */
  readonly memory: MemorySlots;
  readonly sockets: number;
  /** PCIe generation of the graphics slot; absent: no slot. */
  readonly pcieGeneration?: number;
}

const memory = z.string().transform((text, context): MemorySlots => {
  const read = parseMemory(text);
  if (read?.channels !== undefined) return { ...read, channels: read.channels };
  context.addIssue({ code: 'custom', message: `"${text}" is not memory; write channels x type-speed, e.g. 2xddr5-5600` });
  return z.NEVER;
});

const fields = {
  ...groupFields,
  arch: z.enum(ARCHS),
  isa: z.enum(ISAS),
  flops: z.int().positive(),
  memory: memory,
  pcie: z.int().positive(),
  sockets: z.int().positive(),
};

/** Schema of `profiles/hardware/cpus/*.yaml`. */
export const cpuFileSchema = z.strictObject({
  groups: groupList({ ...fields, pcie: fields.pcie.optional(), sockets: fields.sockets.default(1) }, fields, {
    cores: z.int().positive(),
    fastCores: z.int().positive().optional(),
    clock: z.number().positive(),
    l3: quantity(BYTES).optional(),
  }),
});

/** Processors by data sheet, from profiles/hardware/cpus/*.yaml. */
export const CPUS: Catalogue<CpuPart> = lazyCatalogue('cpus', cpuFileSchema, ({ groups }) =>
  groups.flatMap(({ parts, ...group }) =>
    parts.map(({ aka = [], ...part }) => {
      const { clock, flops, l3, pcie, ...rest } = { ...group, ...part };
      const optional = definedFields({ l3Bytes: l3, pcieGeneration: pcie });
      return { aka, part: { ...rest, clockHz: clock * 1e9, flopsPerCycle: flops, ...optional } };
    }),
  ),
);

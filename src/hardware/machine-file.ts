// A machine in a file: its parts of the catalogue, what they do not say of it, and what was measured on it. `moeprof machine detect` and
// `calibrate` write such files; -w reads them as it reads the name of a machine.
import { z } from 'zod';
import { placed } from '../base/errors.js';
import { BYTES, RATE } from '../base/units.js';
import { quantity } from '../base/yaml.js';
import { parseMachine } from './machine.js';
import type { Machine } from './parts/assembly.js';
import type { DiskPart } from './parts/disk.js';
import { READ } from './reach.js';

const positive = (kind: Parameters<typeof quantity>[0]) =>
  quantity(kind).refine((value) => value > 0, { error: 'must be more than 0', abort: true });

const text = z.string().min(1);

/** Schema of a file that lists parts. */
export const machineFileSchema = z.strictObject({
  name: text.describe('Name, as reports show it.'),
  parts: z.array(text).min(1).describe('Parts, one an entry, written as between the plus signs of -w: rtx-3090, 2xddr5-6000, 64GB.'),
  cpu: z
    .strictObject({
      cores: z
        .int()
        .positive()
        .optional()
        .describe('Cores of one socket that there are, where a virtual machine or a container has fewer.'),
      clock: z.number().positive().optional().describe('Base clock in GHz.'),
      isa: text.optional().describe('Widest instruction set: avx2, avx512, avx512-vnni, amx, neon.'),
    })
    .optional()
    .describe('What the processor has that its part does not say.'),
  gpu: z
    .strictObject({ memory: positive(BYTES).optional().describe('Memory of one card, e.g. 24GiB.') })
    .optional()
    .describe('What the graphics card has that its part does not say.'),
  remarks: z.array(text).optional().describe('What was seen that changes how fast it is; for people.'),
  notSeen: z.array(text).optional().describe('What detection did not see, and what is taken instead; for people.'),
  measured: z
    .strictObject({
      date: text.optional().describe('Day of the measurement.'),
      memory: positive(RATE).optional().describe('Bandwidth of the memory as STREAM measures it, all sockets.'),
      copies: positive(RATE).optional().describe('Bandwidth of large copies to the card.'),
      disk: positive(RATE).optional().describe('Rate at which the drive reads experts, several at a time.'),
    })
    .optional()
    .describe('What was measured; it takes the place of the data sheet.'),
});

/** A file that lists parts, checked. Bytes, bytes/s. */
export type MachineFile = z.infer<typeof machineFileSchema>;

/** True where a file lists parts, and is not a profile of tiers and links. */
export function isMachineFile(raw: unknown): boolean {
  return typeof raw === 'object' && raw !== null && 'parts' in raw;
}

/**
 * The machine of a file.
 * @param place `file:line:col` of its parts, for messages
 * @throws UserError where a part is unknown, or parts do not go together
 */
export function machineOfFile(file: MachineFile, place: string): Machine {
  const machine = placed(place, () => parseMachine(file.parts.join('+')));
  const { cpu, gpu, measured, name } = file;
  const ram =
    machine.ram === null ? null : { ...machine.ram, ...(measured?.memory !== undefined && { measuredBandwidth: measured.memory }) };
  const pcie =
    machine.pcie === null ? null : { ...machine.pcie, ...(measured?.copies !== undefined && { measuredBandwidth: measured.copies }) };
  return {
    ...machine,
    name,
    ram,
    pcie,
    cpu: machine.cpu === null ? null : withCpu(machine.cpu, cpu),
    gpus: machine.gpus.map((one) => ({
      ...one,
      ...(gpu?.memory !== undefined && { memoryBytes: gpu.memory }),
      ...(machine.unified && measured?.memory !== undefined && { measuredBandwidth: measured.memory }),
    })),
    disks: disksOf(machine.disks, measured?.disk),
  };
}

function withCpu(part: NonNullable<Machine['cpu']>, changes: MachineFile['cpu']): NonNullable<Machine['cpu']> {
  const { clock, cores, isa } = changes ?? {};
  return {
    ...part,
    ...(cores !== undefined && { cores }),
    ...(clock !== undefined && { clockHz: clock * 1e9 }),
    ...(isa !== undefined && { isa: isa as typeof part.isa }),
  };
}

/** Size of a drive whose rate was measured and whose size nobody knows: it holds any model there is. */
const AMPLE = 2e12;

function disksOf(disks: readonly DiskPart[], measured: number | undefined): readonly DiskPart[] {
  if (measured === undefined) return disks;
  const [disk] = disks;
  return [{ name: disk?.name ?? 'drive', bytes: disk?.bytes ?? AMPLE, bandwidth: measured, latencyNs: disk?.latencyNs ?? READ.latency }];
}

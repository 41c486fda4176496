import { z } from 'zod';
import { placed } from '../base/errors.js';
import { definedFields } from '../base/objects.js';
import { BYTES, RATE } from '../base/units.js';
import { positiveQuantity as positive } from '../base/yaml.js';
import { parseMachine } from './machine.js';
import type { Machine } from './parts/defaults.js';
import { DISK_BYTES, type DiskPart } from './parts/disk.js';
import { READ } from './parts/reach.js';

const text = z.string().min(1);
const share = z.number().nonnegative();
const count = z.int().positive();
const remembered = z.array(text.max(2000)).max(64);

/** Schema of a file of parts. */
export const machineFileSchema = z.strictObject({
  name: text.describe('Name, as reports show it.'),
  parts: z.array(text).min(1).describe('Parts, one an entry, written as between the plus signs of -w: rtx-3090, 2xddr5-6000, 64GB.'),
  cpu: z
    .strictObject({
      cores: count.optional().describe('Cores of one socket that there are, where a virtual machine or a container has fewer.'),
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
  timings: remembered
    .optional()
    .describe(
      'What runtimes printed on this machine, as --timing takes it: eval 24.3 tok/s, prompt ' +
        '410 tok/s, -m gpt-oss-120b -ncmoe 26. run, plan, advise and check learn from them.',
    ),
  failed: remembered
    .optional()
    .describe(
      'Settings that did not run on this machine, and why, as advise --tune found them: ' +
        'llama.cpp, q4_k_m, -m gpt-oss-120b -ncmoe 12: out of memory. It does not run them again.',
    ),
  measured: z
    .strictObject({
      date: text.optional().describe('Day of the measurement.'),
      memory: positive(RATE).optional().describe('Bandwidth of the memory as STREAM measures it, all sockets.'),
      copies: positive(RATE).optional().describe('Bandwidth of large copies to the card.'),
      disk: positive(RATE).optional().describe('Rate at which the drive reads experts, several at a time.'),
      byThreads: z
        .array(
          z.strictObject({
            threads: count.describe('Threads.'),
            read: positive(RATE).describe('Plain reads.'),
            triad: positive(RATE).describe("STREAM's triad."),
            spread: share.describe('Half the width of the middle half of the rounds, over the median.'),
            disturbed: share
              .optional()
              .describe('Share of the rounds in which other programs took processors away; the figure may be too low.'),
          }),
        )
        .optional()
        .describe('Memory by threads; memory is the best median of a visit.'),
    })
    .optional()
    .describe('What was measured; it takes the place of the data sheet.'),
});

/** A machine file, written by `moeprof machine` for -w. Bytes, bytes/s. */
export type MachineFile = z.infer<typeof machineFileSchema>;

/** @param place of the parts, `file:line:col` @throws UserError for an unknown part or incompatible parts */
export function machineOfFile(file: MachineFile, place: string): Machine {
  const machine = placed(place, () => parseMachine(file.parts.join('+')));
  const { cpu, gpu, measured, name } = file;
  const reached = (rate: number | undefined) => (rate === undefined ? {} : { measuredBandwidth: rate });
  return {
    ...machine,
    name,
    ram: machine.ram === null ? null : { ...machine.ram, ...reached(measured?.memory) },
    pcie: machine.pcie === null ? null : { ...machine.pcie, ...reached(measured?.copies) },
    cpu: machine.cpu === null ? null : withCpu(machine.cpu, cpu),
    gpus: machine.gpus.map((gpuPart) => ({
      ...gpuPart,
      ...(gpu?.memory !== undefined && { memoryBytes: gpu.memory }),
      ...(machine.unified && reached(measured?.memory)),
    })),
    disks: disksOf(machine.disks, measured?.disk),
  };
}

function withCpu(part: NonNullable<Machine['cpu']>, changes: MachineFile['cpu']): NonNullable<Machine['cpu']> {
  const { clock, cores, isa } = changes ?? {};
  return { ...part, ...definedFields({ cores, clockHz: clock && clock * 1e9, isa: isa as typeof part.isa }) };
}

function disksOf(disks: readonly DiskPart[], measured: number | undefined): readonly DiskPart[] {
  if (measured === undefined) return disks;
  const [disk] = disks;
  return [
    { name: disk?.name ?? 'drive', bytes: disk?.bytes ?? DISK_BYTES, bandwidth: measured, latencyNs: disk?.latencyNs ?? READ.latency },
  ];
}

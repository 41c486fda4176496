import { z } from 'zod';
import { placed } from '../base/errors.js';
import { definedFields, ownValue } from '../base/objects.js';
import { BYTES, RATE } from '../base/units.js';
import { positiveQuantity as positive } from '../base/yaml.js';
import { parseMachine } from './machine.js';
import type { Machine } from './parts/defaults.js';
import { DISK_BYTES, type DiskPart } from './parts/disk.js';
import { READ } from './parts/reach.js';
import { type RuntimeConstants, type RuntimeSpec, runtimeConstantsSchema, withConstants } from './runtime.js';

const text = z.string().min(1);

const share = z.number().nonnegative();

const timing = z.strictObject({
  place: text,
  metric: z.enum(['decode', 'prefill']),
  measured: z.number().positive(),
  predicted: z.number().positive(),
});

/** Schema of a file of parts. */
export const machineFileSchema = z.strictObject({
  name: text,
  parts: z.array(text).min(1),
  cpu: z
    .strictObject({
      cores: z.int().positive().optional(),
      clock: z.number().positive().optional(),
      isa: text.optional(),
    })
    .optional(),
  gpu: z.strictObject({ memory: positive(BYTES).optional() }).optional(),
  remarks: z.array(text).optional(),
  notSeen: z.array(text).optional(),
  timings: z.array(text.max(2000)).max(64).optional(),
  failed: z.array(text.max(2000)).max(64).optional(),
  measured: z
    .strictObject({
      date: text.optional(),
      memory: positive(RATE).optional(),
      copies: positive(RATE).optional(),
      disk: positive(RATE).optional(),
      byThreads: z
        .array(
          z.strictObject({
            threads: z.int().positive(),
            read: positive(RATE),
            triad: positive(RATE),
            spread: share,
            disturbed: share.optional(),
          }),
        )
        .optional(),
      runtimes: z
        .record(
          text,
          z.strictObject({
            constants: runtimeConstantsSchema,
            timings: z.array(timing),
            checks: z.array(timing).default([]),
          }),
        )
        .optional(),
    })
    .optional(),
});

/** A machine file, written by `moeprof machine` for -w. Bytes, bytes/s. */
export type MachineFile = z.infer<typeof machineFileSchema>;

/**
 * The machine of a file. @param place of the parts, `file:line:col` @throws UserError for an unknown part or
 * incompatible parts
 */
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

interface FileRuntime {
  readonly runtime: RuntimeSpec;
  /** Null: the file has no constants of the runtime. */
  readonly said: string | null;
}

/** The runtime with a machine file's constants. @param given dotted names of fixed constants */
export function runtimeOnFile({ measured }: MachineFile, runtime: RuntimeSpec, given: readonly string[] = []): FileRuntime {
  const fitted = measured?.runtimes && ownValue(measured.runtimes, runtime.name);
  if (fitted === undefined) return { runtime, said: null };
  const { checks, constants, timings } = fitted;
  const on = `Constants of ${runtime.name} were fitted on ${timings.length} speeds that it printed on this machine`;
  return { runtime: withConstants(runtime, withoutPaths(constants, given) as RuntimeConstants), said: `${on}; ${checkText(checks)}.` };
}

/** Starting runtime for learning, without constants fitted on the file's timings. */
export function runtimeBefore(file: MachineFile | null, runtime: RuntimeSpec, given: readonly string[] = []): RuntimeSpec {
  return file === null || file.timings !== undefined ? runtime : runtimeOnFile(file, runtime, given).runtime;
}

function withoutPaths(value: unknown, paths: readonly string[], at = ''): unknown {
  if (typeof value !== 'object' || value === null || paths.length === 0) return value;
  const entries = Object.entries(value).map(([key, child]) => [`${at}${key}`, key, child] as const);
  const left = entries.filter(([path]) => !paths.includes(path));
  return Object.fromEntries(left.map(([path, key, child]) => [key, withoutPaths(child, paths, `${path}.`)]));
}

function checkText(checks: readonly { readonly predicted: number; readonly measured: number }[]): string {
  if (checks.length === 0) return 'nothing checked them: a third timing would';
  const worst = checks.map(({ measured, predicted }) => predicted / measured - 1).sort((a, b) => Math.abs(b) - Math.abs(a))[0]!;
  const size = `${(100 * Math.abs(worst)).toFixed(1)} % too ${worst < 0 ? 'slow' : 'fast'}`;
  return checks.length === 1 ? `another was predicted ${size}` : `of ${checks.length} others the worst was predicted ${size}`;
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

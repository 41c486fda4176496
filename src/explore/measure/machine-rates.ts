// What this machine reaches: memory by threads, kernels of experts over small and large working sets, reads of the drive by how many are under
// way. About a minute.
import { availableParallelism } from 'node:os';
import { type DriveFile, openDriveFile } from './drive.js';
import { FORMATS } from './task.js';
import { type MeasuredRate, measureTogether } from './together.js';
import { BLOCK_BYTES } from './wasm.js';

/** Memory with so many threads. */
interface MemoryRate {
  readonly threads: number;
  /** Plain reads, bytes/s. */
  readonly read: MeasuredRate;
  /** STREAM's triad, bytes/s as STREAM counts. */
  readonly triad: MeasuredRate;
}

/** A kernel of a format. */
interface KernelRate {
  readonly format: (typeof FORMATS)[number];
  /** `cache`: one expert, again and again; `memory`: experts that no cache holds. */
  readonly from: 'cache' | 'memory';
  readonly threads: number;
  readonly weightsPerSecond: number;
  readonly spread: number;
}

/** Reads of the drive. */
interface DriveRate {
  readonly inFlight: number;
  /** Bytes of a read. */
  readonly size: number;
  readonly rate: number;
  readonly spread: number;
  /** False: the system's cache may have answered. */
  readonly direct: boolean;
}

/** What was measured; empty where it was not asked for. */
export interface MachineRates {
  readonly memory: readonly MemoryRate[];
  readonly kernels: readonly KernelRate[];
  readonly drive: readonly DriveRate[];
}

/** What can be measured. */
export const MEASURES = ['memory', 'experts', 'drive'] as const;
/** One of {@link MEASURES}. */
export type Measure = (typeof MEASURES)[number];

const MIB = 2 ** 20;
/** Bytes of a thread's arrays: far more than any cache has for it. */
const LARGE = 192 * MIB;
/** Weights of one expert's matrix: 2,048 x 768, as Qwen3-30B-A3B has. */
const EXPERT_WEIGHTS = 2048 * 768;
/** A read of an expert of a few MiB, in pages. */
const READ_BYTES = 4 * MIB;

/** Threads: 1, 2, 4 ... and all. */
export function threadCounts(all: number): number[] {
  const counts: number[] = [];
  for (let count = 1; count < all; count *= 2) counts.push(count);
  return [...counts, all];
}

/**
 * Measures.
 * @param folder on the drive that is measured
 * @param progress told of units done, of how many
 * @throws UserError where the folder cannot be written
 */
export async function measureMachine(
  wanted: readonly Measure[],
  folder: string,
  progress: (done: number, total: number) => Promise<void>,
): Promise<MachineRates> {
  const threads = availableParallelism();
  const counts = threadCounts(threads);
  const flights = [1, 2, 4, 8];
  const units = {
    memory: wanted.includes('memory') ? counts.length : 0,
    experts: wanted.includes('experts') ? 2 * FORMATS.length : 0,
    drive: wanted.includes('drive') ? flights.length + 1 : 0,
  };
  const total = units.memory + units.experts + units.drive;
  let done = 0;
  const next = (): Promise<void> => progress(++done, total);
  // What may be refused comes first.
  const drive = units.drive > 0 ? await openDriveFile(folder, () => progress(done, total)) : null;
  try {
    if (drive !== null) await next();
    const reads: DriveRate[] = [];
    for (const inFlight of drive === null ? [] : flights) {
      reads.push(await driveRate(drive!, inFlight));
      await next();
    }
    const memory: MemoryRate[] = [];
    for (const count of units.memory > 0 ? counts : []) {
      memory.push({
        threads: count,
        read: await several(count, { kind: 'sum', bytes: LARGE }),
        triad: await several(count, { kind: 'triad', bytes: LARGE }),
      });
      await next();
    }
    const kernels: KernelRate[] = [];
    for (const format of units.experts > 0 ? FORMATS : []) {
      for (const from of ['cache', 'memory'] as const) {
        kernels.push(await kernelRate(format, from, threads));
        await next();
      }
    }
    return { memory, kernels, drive: reads };
  } finally {
    drive?.close();
  }
}

function several(threads: number, task: { readonly kind: 'sum' | 'triad'; readonly bytes: number }): Promise<MeasuredRate> {
  return measureTogether(new Array(threads).fill(task));
}

async function kernelRate(format: KernelRate['format'], from: KernelRate['from'], threads: number): Promise<KernelRate> {
  const block = BLOCK_BYTES[format];
  const bytes = from === 'memory' ? LARGE : ((EXPERT_WEIGHTS / 32) * block) / threads;
  const { rate, spread } = await measureTogether(new Array(threads).fill({ kind: format, bytes }), 3);
  return { format, from, threads, weightsPerSecond: (rate / block) * 32, spread };
}

async function driveRate({ bytes: fileBytes, direct, fd }: DriveFile, inFlight: number): Promise<DriveRate> {
  const tasks = Array.from({ length: inFlight }, (_, seed) => ({ kind: 'read' as const, fd, bytes: READ_BYTES, fileBytes, seed }));
  const { rate, spread } = await measureTogether(tasks, 3);
  return { inFlight, size: READ_BYTES, rate, spread, direct };
}

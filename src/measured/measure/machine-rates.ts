// Measures this machine in about a minute: memory by threads, kernels of experts over small and large working sets, and reads of the drive by
// queue depth. Every figure is measured several times, in turns, so that a disturbance of some seconds affects only one of its measurements.
import { availableParallelism } from '../../base/host/machine.js';
import { type DriveFile, openDriveFile } from './drive.js';
import { FORMATS, type Task } from './task.js';
import { type MeasuredRate, type Round, rateOf, visit } from './together.js';
import { BLOCK_BYTES } from './wasm.js';

/** Memory by number of threads. */
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
  readonly disturbed: number;
}

/** Reads of the drive. */
interface DriveRate {
  readonly inFlight: number;
  /** Bytes of a read. */
  readonly size: number;
  readonly rate: number;
  readonly spread: number;
  readonly disturbed: number;
  /** False: the system's cache may have answered. */
  readonly direct: boolean;
}

/** Measured rates; empty where a measurement was not asked for. */
export interface MachineRates {
  readonly memory: readonly MemoryRate[];
  readonly kernels: readonly KernelRate[];
  readonly drive: readonly DriveRate[];
}

/** Measurements that exist. */
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
 * @param progress called with units done and units in all
 * @throws UserError where the folder cannot be written
 */
export async function measureMachine(
  wanted: readonly Measure[],
  folder: string,
  progress: (done: number, total: number) => Promise<void>,
): Promise<MachineRates> {
  const threads = availableParallelism();
  const jobs: Job[] = [];
  const file = wanted.includes('drive') ? await openDriveFile(folder, () => progress(0, 1)) : null;
  try {
    const drive = file === null ? [] : FLIGHTS.map((inFlight) => jobOf(jobs, readsOf(file, inFlight)));
    const memory = wanted.includes('memory')
      ? threadCounts(threads).map((count) => ({
          threads: count,
          read: jobOf(jobs, new Array(count).fill({ kind: 'sum', bytes: LARGE })),
          triad: jobOf(jobs, new Array(count).fill({ kind: 'triad', bytes: LARGE })),
        }))
      : [];
    const kernels = wanted.includes('experts')
      ? FORMATS.flatMap((format) =>
          (['cache', 'memory'] as const).map((from) => ({ format, from, job: jobOf(jobs, kernelsOf(format, from, threads)) })),
        )
      : [];
    const began = performance.now();
    const late = (): boolean => performance.now() - began > LONG_ENOUGH;
    for (let turn = 0; turn < TURNS && !(turn > 0 && late()); turn++) {
      for (const [i, { tasks, visits }] of jobs.entries()) {
        visits.push(await visit(tasks, !late()));
        await progress(turn * jobs.length + i + 1, TURNS * jobs.length);
      }
    }
    return {
      memory: memory.map(({ read, threads: count, triad }) => ({ threads: count, read: rateOf(read.visits), triad: rateOf(triad.visits) })),
      kernels: kernels.map(({ format, from, job }) => {
        const { disturbed, rate, spread } = rateOf(job.visits);
        return { format, from, threads, weightsPerSecond: (rate / BLOCK_BYTES[format]) * 32, spread, disturbed };
      }),
      drive: drive.map(({ visits }, i) => {
        const { disturbed, rate, spread } = rateOf(visits);
        return { inFlight: FLIGHTS[i]!, size: READ_BYTES, rate, spread, disturbed, direct: file!.direct };
      }),
    };
  } finally {
    file?.close();
  }
}

/** Reads under way. */
const FLIGHTS = [1, 2, 4, 8];
/** Visits of each measurement. */
const TURNS = 3;
/** ms after which no turn begins and no round waits for quiet: a busy machine would never end. */
const LONG_ENOUGH = 45_000;

/** A measurement and the results of its visits. */
interface Job {
  readonly tasks: readonly Task[];
  readonly visits: Round[][];
}

/** Adds a job to those that are done in turns. */
function jobOf(jobs: Job[], tasks: readonly Task[]): Job {
  const job = { tasks, visits: [] };
  jobs.push(job);
  return job;
}

function kernelsOf(format: KernelRate['format'], from: KernelRate['from'], threads: number): Task[] {
  const bytes = from === 'memory' ? LARGE : ((EXPERT_WEIGHTS / 32) * BLOCK_BYTES[format]) / threads;
  return new Array(threads).fill({ kind: format, bytes });
}

function readsOf({ bytes: fileBytes, fd }: DriveFile, inFlight: number): Task[] {
  return Array.from({ length: inFlight }, (_, seed) => ({ kind: 'read', fd, bytes: READ_BYTES, fileBytes, seed }));
}

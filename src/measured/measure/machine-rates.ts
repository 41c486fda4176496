import { availableParallelism } from '../../base/host/machine.js';
import { MIB } from '../../base/units.js';
import { type DriveFile, openDriveFile } from './drive.js';
import type { Task } from './task.js';
import { type MeasuredRate, type Round, rateOf, visit } from './together.js';

interface MemoryRate {
  readonly threads: number;
  /** Plain reads, bytes/s. */
  readonly read: MeasuredRate;
  /** Triad, bytes/s as in STREAM. */
  readonly triad: MeasuredRate;
}

interface DriveRate extends MeasuredRate {
  /** False: the system's cache may have answered. */
  readonly direct: boolean;
}

/** Rates, in about a minute. Empty and null if not requested. */
export interface MachineRates {
  readonly memory: readonly MemoryRate[];
  /** With the best number of concurrent reads. */
  readonly drive: DriveRate | null;
}

/** Available measurements. */
export const MEASURES = ['memory', 'drive'] as const;
/** One of {@link MEASURES}. */
export type Measure = (typeof MEASURES)[number];

/** Bytes of a thread's arrays. Ours: far more than any cache. */
const LARGE = 192 * MIB;
/** Bytes of a read, an expert of a few MiB; ours. */
const READ_BYTES = 4 * MIB;
const FLIGHTS = [1, 2, 4, 8];
/** Visits of each measurement; ours. */
const TURNS = 3;
/** Latest start of a turn, ms; ours. A busy machine would never end. */
const LONG_ENOUGH = 45_000;

/** 1, 2, 4 ... and all. */
export function threadCounts(all: number): number[] {
  const counts: number[] = [];
  for (let count = 1; count < all; count *= 2) counts.push(count);
  return [...counts, all];
}

/**
 * @param folder on the measured drive @param progress receives units done and total @throws UserError if writing fails
 */
export async function measureMachine(
  wanted: readonly Measure[],
  folder: string,
  progress: (done: number, total: number) => Promise<void>,
): Promise<MachineRates> {
  const jobs: Job[] = [];
  const file = wanted.includes('drive') ? await openDriveFile(folder, () => progress(0, 1)) : null;
  try {
    const drive = file === null ? [] : FLIGHTS.map((inFlight) => jobOf(jobs, readsOf(file, inFlight)));
    const counts = wanted.includes('memory') ? threadCounts(availableParallelism()) : [];
    const memory = counts.map((threads) => ({
      threads,
      read: jobOf(jobs, new Array(threads).fill({ kind: 'sum', bytes: LARGE })),
      triad: jobOf(jobs, new Array(threads).fill({ kind: 'triad', bytes: LARGE })),
    }));
    const began = performance.now();
    const late = (): boolean => performance.now() - began > LONG_ENOUGH;
    for (let turn = 0; turn < TURNS && !(turn > 0 && late()); turn++) {
      for (const [i, { tasks, visits }] of jobs.entries()) {
        visits.push(await visit(tasks, !late()));
        await progress(turn * jobs.length + i + 1, TURNS * jobs.length);
      }
    }
    const [best] = drive.map(({ visits }) => rateOf(visits)).sort((a, b) => b.rate - a.rate);
    return {
      memory: memory.map(({ read, threads, triad }) => ({ threads, read: rateOf(read.visits), triad: rateOf(triad.visits) })),
      drive: best === undefined ? null : { ...best, direct: file!.direct },
    };
  } finally {
    file?.close();
  }
}

interface Job {
  readonly tasks: readonly Task[];
  readonly visits: Round[][];
}

function jobOf(jobs: Job[], tasks: readonly Task[]): Job {
  const job = { tasks, visits: [] };
  jobs.push(job);
  return job;
}

function readsOf({ bytes: fileBytes, fd }: DriveFile, inFlight: number): Task[] {
  return Array.from({ length: inFlight }, (_, seed) => ({ kind: 'read', fd, bytes: READ_BYTES, fileBytes, seed }));
}

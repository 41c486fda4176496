import { stringify } from 'yaml';
import type { MachineFile } from '../../hardware/door.js';
import type { MachineRates } from '../measure/machine-rates.js';
import type { learnedSpeeds } from './learn.js';

/** A machine with measurements. */
export interface CalibratedMachine {
  readonly before: MachineFile;
  readonly date: string;
  /** Null: not measured. */
  readonly rates: MachineRates | null;
  /** Null: no timings. */
  readonly learned: Awaited<ReturnType<typeof learnedSpeeds>> | null;
  readonly timings: readonly string[];
}

/** Merges new measurements; older values stay unless repeated. */
export function calibratedFile({ before, date, rates, timings }: Omit<CalibratedMachine, 'learned'>): MachineFile {
  const measured = rates === null ? before.measured : { ...before.measured, ...ratesOf(rates), date };
  // A value measured now is no longer missing.
  const still = (sentence: string): boolean =>
    !(measured?.disk !== undefined && /drive/i.test(sentence)) && !(measured?.memory !== undefined && /virtual machine/.test(sentence));
  const { notSeen = [], remarks = [], ...rest } = before;
  const [left, unseen] = [remarks.filter(still), notSeen.filter(still)];
  const texts = [...new Set([...(before.timings ?? []), ...timings])].slice(-MOST_TIMINGS);
  return {
    ...rest,
    ...(texts.length > 0 && { timings: texts }),
    ...(left.length > 0 && { remarks: left }),
    ...(unseen.length > 0 && { notSeen: unseen }),
    ...(measured !== undefined && { measured }),
  };
}

/** Latest timings kept; ours. */
const MOST_TIMINGS = 64;

/** Repeats agree in fewer than four digits. */
const digits = (value: number): number => Number(value.toPrecision(4));

function ratesOf(rates: MachineRates | null): Partial<NonNullable<MachineFile['measured']>> {
  if (rates === null) return {};
  const { drive, memory } = rates;
  return {
    ...(memory.length > 0 && {
      // Other programs can only lower a rate.
      memory: digits(Math.max(...memory.map(({ triad }) => triad.best))),
      byThreads: memory.map(({ read, threads, triad }) => ({
        threads,
        read: digits(read.rate),
        triad: digits(triad.rate),
        spread: digits(triad.spread),
        ...(triad.disturbed > 0 && { disturbed: digits(triad.disturbed) }),
      })),
    }),
    // Reads from the system's cache do not measure the drive.
    ...(drive?.direct === true && { disk: digits(drive.rate) }),
  };
}

/** Text of a machine file for -w. */
export function calibratedFileText(value: CalibratedMachine): string {
  return `# Written by moeprof machine on ${value.date}. Use it with -w.\n${stringify(written(calibratedFile(value)), { lineWidth: 0 })}`;
}

function written({ gpu, measured, ...file }: MachineFile): unknown {
  const { byThreads, copies, disk, memory, ...rest } = measured ?? {};
  const rate = (value: number | undefined): string | undefined =>
    value === undefined ? undefined : `${Number((value / 1e9).toPrecision(4))} GB/s`;
  return {
    ...file,
    ...(gpu?.memory !== undefined && { gpu: { memory: `${Math.round(gpu.memory / 2 ** 20)}MiB` } }),
    ...(measured !== undefined && {
      measured: {
        memory: rate(memory),
        copies: rate(copies),
        disk: rate(disk),
        ...(byThreads && { byThreads: byThreads.map((rates) => ({ ...rates, read: rate(rates.read), triad: rate(rates.triad) })) }),
        ...rest,
      },
    }),
  };
}

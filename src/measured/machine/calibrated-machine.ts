import { stringify } from 'yaml';
import type { MachineFile } from '../../hardware/door.js';
import type { MachineRates } from '../measure/machine-rates.js';
import type { FittedSpeed, RuntimeCalibration } from './calibration.js';

/** A machine and its measurements as a file that -w reads. */
export interface CalibratedMachine {
  readonly before: MachineFile;
  /** Day, as YYYY-MM-DD. */
  readonly date: string;
  /** Measured rates of the machine; null: not measured. */
  readonly rates: MachineRates | null;
  readonly calibrations: readonly RuntimeCalibration[];
  /** Timings that were given now, as texts. */
  readonly timings: readonly string[];
}

/** The machine with new measurements; older ones stay if they were not repeated. */
export function calibratedFile({ before, calibrations, date, rates, timings }: CalibratedMachine): MachineFile {
  const runtimes = Object.fromEntries(
    calibrations.map(({ anchors, checks, constants, runtime }) => [
      runtime,
      { constants, timings: anchors.map(timingOf), checks: checks.map(timingOf) },
    ]),
  );
  const all = { ...before.measured?.runtimes, ...runtimes };
  const measured = { ...before.measured, ...ratesOf(rates), date, ...(Object.keys(all).length > 0 && { runtimes: all }) };
  // A value that was not seen and is measured now is no longer missing.
  const still = (sentence: string): boolean =>
    !(measured.disk !== undefined && /drive/i.test(sentence)) && !(measured.memory !== undefined && /virtual machine/.test(sentence));
  const { notSeen = [], remarks = [], ...rest } = before;
  const [left, unseen] = [remarks.filter(still), notSeen.filter(still)];
  const texts = [...new Set([...(before.timings ?? []), ...timings])].slice(-MOST_TIMINGS);
  return {
    ...rest,
    ...(texts.length > 0 && { timings: texts }),
    ...(left.length > 0 && { remarks: left }),
    ...(unseen.length > 0 && { notSeen: unseen }),
    measured,
  };
}

/** Timings that a file keeps, the latest ones. */
const MOST_TIMINGS = 64;

/** Four digits are more than repeats agree in. */
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

function timingOf({ measured, metric, place, predicted }: FittedSpeed): Omit<FittedSpeed, 'before'> {
  return { place, metric, measured, predicted: digits(predicted) };
}

/** The text of that file. */
export function calibratedFileText(value: CalibratedMachine): string {
  return `# Measured by moeprof machine calibrate on ${value.date}. Use it with -w.\n${stringify(written(calibratedFile(value)), { lineWidth: 0 })}`;
}

/** Rates and sizes with their units, for people who read the file. */
function written({ gpu, measured, ...file }: MachineFile): unknown {
  const { byThreads, copies, disk, memory, ...rest } = measured ?? {};
  const rate = (value: number | undefined): string | undefined =>
    value === undefined ? undefined : `${Number((value / 1e9).toPrecision(4))} GB/s`;
  return {
    ...file,
    ...(gpu?.memory !== undefined && { gpu: { memory: `${Math.round(gpu.memory / 2 ** 20)}MiB` } }),
    measured: {
      // Undefined values are not written.
      memory: rate(memory),
      copies: rate(copies),
      disk: rate(disk),
      ...(byThreads && { byThreads: byThreads.map((rates) => ({ ...rates, read: rate(rates.read), triad: rate(rates.triad) })) }),
      ...rest,
      ...(rest.runtimes && { runtimes: timesWritten(rest.runtimes) }),
    },
  };
}

/** Fields of constants that are times. */
const TIMES = ['pass', 'layer', 'expert', 'handover'];

/** Times in microseconds, as runtime profiles have them. */
function timesWritten(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([key, child]) => [
    key,
    TIMES.includes(key) && typeof child === 'number' ? `${child / 1e3}us` : timesWritten(child),
  ]);
  return Object.fromEntries(entries);
}

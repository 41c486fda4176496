// A machine with what was measured on it: the file that -w reads, and what people read of it.
import { stringify } from 'yaml';
import { formatBytes, formatRate } from '../../base/units.js';
import type { MachineFile } from '../../hardware/machine-file.js';
import { type Column, type Datum, type Document, type Grid, gridOf, type Line, ratio } from '../../report/document/document.js';
import { documentFormats } from '../../report/document/formats.js';
import type { Format } from '../../report/format.js';
import { VERSION } from '../../result/version.js';
import type { MachineRates } from '../measure/machine-rates.js';
import { speedText } from '../validate/words.js';
import type { FittedSpeed, RuntimeCalibration } from './calibration.js';
import { KNOBS } from './knobs.js';

/** Version tag of the JSON. Additions keep it; a change of meaning raises it. */
const CALIBRATION_SCHEMA = 'moeprof.calibration/1';

/** A machine and its measurements. */
export interface CalibratedMachine {
  /** The machine as it was before. */
  readonly before: MachineFile;
  /** Day, as YYYY-MM-DD. */
  readonly date: string;
  /** What the machine itself reaches; null: that was not measured. */
  readonly rates: MachineRates | null;
  /** By runtime. */
  readonly calibrations: readonly RuntimeCalibration[];
}

const [table, json, csv, markdown] = documentFormats<CalibratedMachine>(documentOf, (value) => ({
  schema: CALIBRATION_SCHEMA,
  tool: { name: 'moeprof', version: VERSION },
  ...value,
  machine: calibratedFile(value),
}));

const yaml: Format<CalibratedMachine> = {
  name: 'yaml',
  extensions: ['.yaml', '.yml'],
  render: (value) =>
    `# Measured by moeprof machine calibrate on ${value.date}. Use it with -w.\n${stringify(written(calibratedFile(value)), { lineWidth: 0 })}`,
};

/** Formats of a calibration, the one for reading first; `yaml` is what -w reads. */
export const calibrationReports: readonly Format<CalibratedMachine>[] = [table, json, yaml, csv, markdown];

/** The machine with what was measured; what was measured before and not again stays. */
export function calibratedFile({ before, calibrations, date, rates }: CalibratedMachine): MachineFile {
  const runtimes = Object.fromEntries(
    calibrations.map(({ anchors, checks, constants, runtime }) => [
      runtime,
      { constants, timings: anchors.map(timingOf), checks: checks.map(timingOf) },
    ]),
  );
  const all = { ...before.measured?.runtimes, ...runtimes };
  const measured = { ...before.measured, ...ratesOf(rates), date, ...(Object.keys(all).length > 0 && { runtimes: all }) };
  // What was not seen, and is measured now, is no longer missing.
  const still = (sentence: string): boolean =>
    !(measured.disk !== undefined && /drive/i.test(sentence)) && !(measured.memory !== undefined && /virtual machine/.test(sentence));
  const { notSeen = [], remarks = [], ...rest } = before;
  const [left, unseen] = [remarks.filter(still), notSeen.filter(still)];
  return { ...rest, ...(left.length > 0 && { remarks: left }), ...(unseen.length > 0 && { notSeen: unseen }), measured };
}

/** Four digits are more than repeats agree in. */
const digits = (value: number): number => Number(value.toPrecision(4));

function ratesOf(rates: MachineRates | null): Partial<NonNullable<MachineFile['measured']>> {
  if (rates === null) return {};
  const { drive, kernels, memory } = rates;
  // What the system's cache answered says nothing of the drive.
  const direct = drive.filter((one) => one.direct);
  return {
    ...(memory.length > 0 && {
      // As STREAM does: the best repeat, which nothing else disturbed.
      memory: digits(Math.max(...memory.map(({ triad }) => triad.best))),
      byThreads: memory.map(({ read, threads, triad }) => ({
        threads,
        read: digits(read.rate),
        triad: digits(triad.rate),
        spread: digits(triad.spread),
      })),
    }),
    ...(kernels.length > 0 && {
      experts: kernels.map(({ spread, weightsPerSecond, ...one }) => ({
        ...one,
        weights: digits(weightsPerSecond),
        spread: digits(spread),
      })),
    }),
    ...(direct.length > 0 && { disk: digits(Math.max(...direct.map(({ rate }) => rate))) }),
    ...(drive.length > 0 && { reads: drive.map(({ rate, spread, ...one }) => ({ ...one, rate: digits(rate), spread: digits(spread) })) }),
  };
}

function timingOf({
  measured,
  metric,
  place,
  predicted,
}: FittedSpeed): NonNullable<NonNullable<MachineFile['measured']>['runtimes']>[string]['timings'][number] {
  return { place, metric, measured, predicted: Number(predicted.toPrecision(4)) };
}

/** Rates and sizes with their units, for people who read the file. */
function written({ gpu, measured, ...file }: MachineFile): unknown {
  const { byThreads, copies, disk, memory, reads, ...rest } = measured ?? {};
  const rate = (value: number | undefined): string | undefined =>
    value === undefined ? undefined : `${Number((value / 1e9).toPrecision(4))} GB/s`;
  const rates = { memory: rate(memory), copies: rate(copies), disk: rate(disk) };
  const known = Object.fromEntries(Object.entries(rates).filter(([, value]) => value !== undefined));
  return {
    ...file,
    ...(gpu?.memory !== undefined && { gpu: { memory: `${Math.round(gpu.memory / 2 ** 20)}MiB` } }),
    measured: {
      ...known,
      ...(byThreads && { byThreads: byThreads.map((one) => ({ ...one, read: rate(one.read), triad: rate(one.triad) })) }),
      ...(reads && { reads: reads.map((one) => ({ ...one, size: `${one.size / 2 ** 20}MiB`, rate: rate(one.rate) })) }),
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
  const entries = Object.entries(value).map(([key, one]) => [
    key,
    TIMES.includes(key) && typeof one === 'number' ? `${one / 1e3}us` : timesWritten(one),
  ]);
  return Object.fromEntries(entries);
}

function documentOf(value: CalibratedMachine): Document {
  const { before, calibrations, date } = value;
  const { copies, disk, memory } = calibratedFile(value).measured ?? {};
  const rates = [
    ['memory', memory],
    ['copies to the GPU', copies],
    ['drive', disk],
  ] as const;
  const known = rates.flatMap(([name, rate]): Datum[][] => (rate === undefined ? [] : [[name, { value: rate, text: formatRate(rate) }]]));
  return {
    title: `${before.name}, calibrated on ${date}`,
    blocks: [
      gridOf(['measured', 'rate'], known),
      ...(value.rates === null ? [] : rateGrids(value.rates)),
      ...calibrations.flatMap(({ anchors, checks, runtime, steps }) => [
        speedGrid(`${runtime}: fitted on`, anchors),
        ...(checks.length === 0 ? [] : [speedGrid(`${runtime}: checked with`, checks)]),
        knobGrid(runtime, steps),
        { kind: 'lines' as const, lines: verdict(checks) },
      ]),
    ],
  };
}

function rateGrids({ drive, kernels, memory }: MachineRates): Grid[] {
  const rate = (value: number): Datum => ({ value, text: formatRate(value) });
  return [
    gridOf(
      ['threads', { head: 'reads', name: 'read_bytes_per_second' }, { head: 'triad', name: 'triad_bytes_per_second' }, 'spread'],
      memory.map(({ read, threads, triad }) => [String(threads), rate(read.rate), rate(triad.rate), ratio(triad.spread)]),
      { title: 'Memory' },
    ),
    gridOf(
      ['weights of', { head: 'in', align: 'left' }, 'threads', { head: 'weights/s', name: 'weights_per_second' }, 'spread'],
      kernels.map(({ format, from, spread, threads, weightsPerSecond }) => [
        format,
        from,
        String(threads),
        { value: weightsPerSecond, text: `${(weightsPerSecond / 1e9).toFixed(2)} G` },
        ratio(spread),
      ]),
      { title: 'Experts, by kernels of WebAssembly' },
    ),
    gridOf(
      ['under way', 'size', { head: 'rate', name: 'bytes_per_second' }, 'spread', { head: 'past the cache', align: 'left' }],
      drive.map(({ direct, inFlight, rate: reached, size, spread }) => [
        String(inFlight),
        { value: size, text: formatBytes(size) },
        rate(reached),
        ratio(spread),
        direct ? 'yes' : 'no',
      ]),
      { title: 'Drive, reads of an expert' },
    ),
  ];
}

function speedGrid(title: string, speeds: readonly FittedSpeed[]): Grid {
  const place: Column = { head: 'where', most: 34 };
  const text = (speed: number): Datum => ({ value: speed, text: speedText({ metric: 'decode' }, speed) });
  return gridOf(
    [
      place,
      { head: 'speed', align: 'left' },
      { head: 'measured', name: 'measured_tps' },
      { head: 'before', name: 'before_tps' },
      { head: 'fitted', name: 'fitted_tps' },
      'error',
    ],
    speeds.map(({ before, measured, metric, place: where, predicted }) => [
      where,
      metric,
      text(measured),
      text(before),
      text(predicted),
      signed(predicted / measured - 1),
    ]),
    { title },
  );
}

function signed(value: number): Datum {
  return { value, text: `${value < 0 ? '-' : '+'}${(100 * Math.abs(value)).toFixed(1)} %` };
}

/** What moved, of what can be moved. */
function knobGrid(runtime: string, steps: readonly number[]): Grid {
  const moved = KNOBS.map((knob, i) => ({ knob, factor: Math.exp(steps[i]!) })).filter(({ factor }) => Math.abs(factor - 1) >= 0.005);
  return gridOf(
    ['constant', { head: 'of what', align: 'left' }, { head: 'times', name: 'factor' }],
    moved.map(({ factor, knob }) => [knob.name, knob.says, { value: factor, text: factor.toFixed(2) }]),
    { title: `${runtime}: constants here, beside those of all machines` },
  );
}

function verdict(checks: readonly FittedSpeed[]): Line[] {
  if (checks.length === 0)
    return [{ tone: 'info', text: 'Nothing checks these constants: give one more timing, with another split or context.' }];
  const sizes = checks.map(({ measured, predicted }) => Math.abs(predicted / measured - 1)).sort((a, b) => a - b);
  const worst = sizes.at(-1)!;
  const middle = sizes[sizes.length >> 1]!;
  const said =
    sizes.length === 1
      ? `The check was predicted within ${percent(worst)}`
      : `Of ${sizes.length} checks half were predicted within ${percent(middle)}, all within ${percent(worst)}`;
  return [{ tone: worst <= 0.1 ? 'good' : 'caution', text: `${said}; every run on this machine says so from now on.` }];
}

function percent(value: number): string {
  return String(ratio(value) === null ? '' : `${(100 * value).toFixed(1)} %`);
}

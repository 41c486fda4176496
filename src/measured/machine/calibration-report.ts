import { formatRate, formatRatio } from '../../base/units.js';
import { KNOBS } from '../../hardware/door.js';
import type { Datum, Document, Format, Grid, Line, Lines } from '../../report/door.js';
import { documentFormats, gridOf, linesBlock, note, ratio } from '../../report/door.js';
import { tagged } from '../../result/version.js';
import type { MachineRates } from '../measure/machine-rates.js';
import { speedText } from '../validate/words.js';
import { type CalibratedMachine, calibratedFile, calibratedFileText } from './calibrated-machine.js';
import type { FittedSpeed } from './calibration.js';

/** Formats of a calibration: rates, constants and errors; `yaml` is for -w. */
export const calibrationReports: readonly Format<CalibratedMachine>[] = documentFormats<CalibratedMachine>(documentOf, (value) => ({
  ...tagged('moeprof.calibration/1'),
  ...value,
  machine: calibratedFile(value),
})).toSpliced(2, 0, { name: 'yaml', extensions: ['.yaml', '.yml'], render: calibratedFileText });

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
      ...(value.rates === null ? [] : [memoryGrid(value.rates), linesBlock(caveats(value.rates, copies))]),
      ...calibrations.flatMap(({ anchors, checks, runtime, steps }) => [
        speedGrid(`${runtime}: fitted on`, anchors),
        ...(checks.length === 0 ? [] : [speedGrid(`${runtime}: checked with`, checks)]),
        knobGrid(runtime, steps),
        verdict(checks),
      ]),
    ],
  };
}

function memoryGrid({ memory }: MachineRates): Grid {
  const rate = (value: number): Datum => ({ value, text: formatRate(value) });
  return gridOf(
    ['threads', { head: 'reads', name: 'read_bytes_per_second' }, { head: 'triad', name: 'triad_bytes_per_second' }, 'spread'],
    memory.map(({ read, threads, triad }) => [String(threads), rate(read.rate), rate(triad.rate), ratio(triad.spread)]),
    { title: 'Memory by threads' },
  );
}

function caveats({ drive, memory }: MachineRates, copies: number | undefined): Line[] {
  const measured = [...memory.flatMap(({ read, triad }) => [read, triad]), ...(drive === null ? [] : [drive])];
  const shares = measured.map(({ disturbed }) => disturbed);
  const worst = Math.max(0, ...shares);
  const lines: Line[] = [];
  if (worst > 0) {
    const many = shares.filter((share) => share > 0).length;
    const text = `Other programs took processors away in up to ${formatRatio(worst, 0)} of the rounds of ${many} of ${shares.length} figures: these may be too low. Measure again when the machine is idle.`;
    lines.push({ tone: 'caution', text });
  }
  const missing = [...(memory.length === 0 ? ['memory'] : []), ...(drive === null ? ['drive'] : [])];
  for (const what of missing) lines.push({ tone: 'info', text: `${what}: not measured: --measure ${what} does.` });
  if (drive?.direct === false) {
    const text = "drive: not measured: reads cannot go past the system's cache here, so that it may have answered.";
    lines.push({ tone: 'caution', text });
  }
  if (copies === undefined) {
    lines.push({
      tone: 'info',
      text: 'copies to the GPU: not measured: nothing that ships with moeprof copies to a card (onnxruntime-node comes without CUDA); two timings of its runtime tell the rate (--llama-bench, --log).',
    });
  }
  return lines;
}

function speedGrid(title: string, speeds: readonly FittedSpeed[]): Grid {
  const text = (speed: number): Datum => ({ value: speed, text: speedText({ metric: 'decode' }, speed) });
  return gridOf(
    [
      { head: 'where', most: 34 },
      { head: 'speed', align: 'left' },
      { head: 'measured', name: 'measured_tps' },
      { head: 'before', name: 'before_tps' },
      { head: 'fitted', name: 'fitted_tps' },
      'error',
    ],
    speeds.map(({ before, measured, metric, place, predicted }): Datum[] => {
      const error = predicted / measured - 1;
      const signed = `${error < 0 ? '-' : '+'}${(100 * Math.abs(error)).toFixed(1)} %`;
      return [place, metric, text(measured), text(before), text(predicted), { value: error, text: signed }];
    }),
    { title },
  );
}

function knobGrid(runtime: string, steps: readonly number[]): Grid {
  const moved = KNOBS.map((knob, i) => ({ knob, factor: Math.exp(steps[i]!) })).filter(({ factor }) => Math.abs(factor - 1) >= 0.005);
  return gridOf(
    ['constant', { head: 'of what', align: 'left' }, { head: 'times', name: 'factor' }],
    moved.map(({ factor, knob }) => [knob.name, knob.says, { value: factor, text: factor.toFixed(2) }]),
    { title: `${runtime}: constants here, beside those of all machines` },
  );
}

function verdict(checks: readonly FittedSpeed[]): Lines {
  if (checks.length === 0) return note('Nothing checks these constants: give one more timing, with another split or context.', 'info');
  const sizes = checks.map(({ measured, predicted }) => Math.abs(predicted / measured - 1)).sort((a, b) => a - b);
  const worst = sizes.at(-1)!;
  const text =
    sizes.length === 1
      ? `The check was predicted within ${formatRatio(worst)}`
      : `Of ${sizes.length} checks half were predicted within ${formatRatio(sizes[sizes.length >> 1]!)}, all within ${formatRatio(worst)}`;
  return note(`${text}; every run on this machine says so from now on.`, worst <= 0.1 ? 'good' : 'caution');
}

import { formatRate, formatRatio } from '../../base/units.js';
import type { Datum, Document, Format, Grid, Line } from '../../report/door.js';
import { documentFormats, gridOf, linesBlock, note, ratio } from '../../report/door.js';
import { tagged } from '../../result/version.js';
import type { MachineRates } from '../measure/machine-rates.js';
import { speedText } from '../validate/words.js';
import { type CalibratedMachine, calibratedFile, calibratedFileText } from './calibrated-machine.js';
import type { LearnedSpeed } from './learn.js';

/** Formats of a calibration: rates, constants and errors; `yaml` is for -w. */
export const calibrationReports: readonly Format<CalibratedMachine>[] = documentFormats<CalibratedMachine>(documentOf, (value) => ({
  ...tagged('moeprof.calibration/1'),
  ...value,
  machine: calibratedFile(value),
})).toSpliced(2, 0, { name: 'yaml', extensions: ['.yaml', '.yml'], render: calibratedFileText });

function documentOf(value: CalibratedMachine): Document {
  const { before, date, learned } = value;
  const { copies, disk, memory } = calibratedFile(value).measured ?? {};
  const rates = [
    ['memory', memory],
    ['copies to the GPU', copies],
    ['drive', disk],
  ] as const;
  const known = rates.flatMap(([name, rate]): Datum[][] => (rate === undefined ? [] : [[name, { value: rate, text: formatRate(rate) }]]));
  return {
    title: `${before.name}, ${value.rates === null ? 'learned from its timings' : 'measured'} on ${date}`,
    blocks: [
      gridOf(['measured', 'rate'], known),
      ...(value.rates === null ? [] : [memoryGrid(value.rates), linesBlock(caveats(value.rates, copies))]),
      ...(learned === null ? [] : [speedGrid(learned.speeds), note(learned.said, 'good')]),
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
      text: 'copies to the GPU: not measured: nothing that ships with moeprof copies to a card (onnxruntime-node comes without CUDA); timings of prompts tell the rate (moeprof machine learn).',
    });
  }
  return lines;
}

function speedGrid(speeds: readonly LearnedSpeed[]): Grid {
  const text = (speed: number): Datum => ({ value: speed, text: speedText({ metric: 'decode' }, speed) });
  return gridOf(
    [
      { head: 'where', most: 34 },
      { head: 'speed', align: 'left' },
      { head: 'measured', name: 'measured_tps' },
      { head: 'before', name: 'before_tps' },
      { head: 'learned', name: 'learned_tps' },
      'error',
    ],
    speeds.map(({ after, before, kind, measured, place }): Datum[] => {
      const error = after / measured - 1;
      const signed = `${error < 0 ? '-' : '+'}${(100 * Math.abs(error)).toFixed(1)} %`;
      return [place, kind, text(measured), text(before), text(after), { value: error, text: signed }];
    }),
  );
}

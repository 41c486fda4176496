import type { Command } from 'commander';
import { UserError } from '../../base/errors.js';
import { didYouMean } from '../../base/text.js';
import { findHardware, type MachineFile, machineFileOf, machineWords, readMachineFile } from '../../hardware/door.js';
import type { CalibratedMachine } from '../../measured/machine/calibrated-machine.js';
import { calibrationReports } from '../../measured/machine/calibration-report.js';
import { MEASURES, type Measure, measureMachine } from '../../measured/measure/machine-rates.js';
import type { CliContext } from '../kit/context.js';
import { type OptionsOf, options, subcommand } from '../kit/declared.js';
import { output } from '../kit/groups.js';
import { deliver } from '../kit/outputs.js';
import { watched } from '../kit/watched.js';
import { detectedMachine } from './detect.js';

const CALIBRATE = options({
  '-w, --hardware <machine>': 'parts, or a file of parts that is taken further; this machine, detected, unless said',
  '--measure <what>': 'memory, drive, or both with a comma; both unless said',
  '--folder <folder>': ['on the drive that is measured; 1 GiB is written there, and deleted', { default: '.', shown: 'this one' }],
  ...output(calibrationReports),
});

const CALIBRATE_HELP = `It measures memory by threads (plain reads and STREAM's triad), and reads of the
drive past the system's cache. About a minute. What runtimes make of it: learn.

Examples:
  moeprof machine calibrate -o my-machine.yaml
  moeprof machine calibrate -w my-machine.yaml -o my-machine.yaml`;

type CalibrateOptions = OptionsOf<typeof CALIBRATE>;

/** `moeprof machine calibrate`: measures speeds of the machine. */
export function defineCalibrate(command: Command, context: CliContext): void {
  subcommand(command, 'calibrate', CALIBRATE, {
    help: CALIBRATE_HELP,
    first: ['-w', '-o'],
    summary: 'how fast its memory and its drive really are',
  }).action((options: CalibrateOptions) => deliver(context, calibrationReports, options, () => calibrated(options, context)));
}

async function calibrated(options: CalibrateOptions, context: CliContext): Promise<CalibratedMachine> {
  const wanted = measuresOf(options.measure ?? MEASURES.join(','));
  const before = await machineToMeasure(options.hardware);
  const rates = await watched(context, 'measuring', 'steps', ({ breathe, progress }) =>
    measureMachine(wanted, options.folder, async (done, total) => {
      progress(done, total);
      await breathe();
    }),
  );
  return { before, timings: [], date: new Date().toISOString().slice(0, 10), rates, learned: null };
}

/** @throws UserError with the nearest word */
function measuresOf(text: string): Measure[] {
  return text.split(',').map((word) => {
    const found = MEASURES.find((measure) => measure === word.trim());
    if (found === undefined) throw new UserError(`--measure ${text}: unknown "${word}": ${didYouMean(word, MEASURES)}`);
    return found;
  });
}

/** Machine from a file, named parts, or detection. @throws UserError for a profile of tiers */
export async function machineToMeasure(name: string | undefined): Promise<MachineFile> {
  if (name === undefined) {
    const { detection, name: detectedName } = await detectedMachine();
    return machineFileOf(detection, detectedName);
  }
  const file = readMachineFile(name);
  if (file !== null) return file;
  const found = findHardware(name);
  if ('path' in found)
    throw new UserError(`-w ${name}: is a profile of tiers and links; name its parts instead, e.g. rtx-3090+ryzen-9-7950x+64GB`);
  return { name: found.machine.name, parts: machineWords(found.machine.name) };
}

import type { Command } from 'commander';
import { UserError } from '../../base/errors.js';
import { availableParallelism } from '../../base/host/machine.js';
import { groupedBy } from '../../base/objects.js';
import { didYouMean } from '../../base/text.js';
import type { MachineFile } from '../../hardware/door.js';
import { findHardware, loadRuntime, machineFileOf, machineOfFile, machineWords, readMachineFile } from '../../hardware/door.js';
import type { CalibratedMachine } from '../../measured/machine/calibrated-machine.js';
import { calibrate, type RuntimeCalibration } from '../../measured/machine/calibration.js';
import { calibrationReports } from '../../measured/machine/calibration-report.js';
import { namedTiming, timingOfModel } from '../../measured/machine/learn.js';
import { joinedPhases } from '../../measured/machine/taught.js';
import { isUnplaced, measurementsOf, TELL_PLACES } from '../../measured/machine/timing-row.js';
import { MEASURES, type Measure, measureMachine } from '../../measured/measure/machine-rates.js';
import { runtimeOf } from '../../measured/validate/rows/specify.js';
import { readTimings, runtimeOfProgram, timingsOfFile, timingsOfFlags, timingText } from '../../runtime/door.js';
import type { CliContext } from '../kit/context.js';
import { type OptionsOf, options, subcommand } from '../kit/declared.js';
import { output } from '../kit/groups.js';
import { parseJobs } from '../kit/options.js';
import { deliver } from '../kit/outputs.js';
import { watched } from '../kit/watched.js';
import { detectedMachine } from './detect.js';

const CALIBRATE = options({
  '-w, --hardware <machine>': 'parts, or a file of parts that is taken further; this machine, detected, unless said',
  '--llama-bench <file>...': 'what llama-bench printed (json, jsonl, md), repeatable',
  '--log <file>...': 'what another runtime printed, repeatable',
  '--timing <timing>...': 'the same in words: "eval 24.3 tok/s, -ncmoe 26", or a log; repeatable',
  '-m, --model <model>': 'bundled model of the logs or a GGUF file, where they do not name it',
  '--quantization <format>': 'storage format of its weights, where the logs do not say',
  '-j, --jobs <n>': 'predictions at a time (default: the machine’s cores)',
  '--measure <what>': 'memory, drive or none, both with a comma; both unless logs are given',
  '--folder <folder>': ['on the drive that is measured; 1 GiB is written there, and deleted', { default: '.', shown: 'this one' }],
  ...output(calibrationReports),
});

const CALIBRATE_HELP = `Without logs it measures: memory by threads (plain reads and STREAM's triad),
and reads of the drive past the system's cache. About a minute.

Timings fix what a runtime makes of this machine: one with as many experts
on the GPU as fit, one with none. A third checks them, and its error is printed
with every run from then on.

  llama-bench -m model.gguf -ngl 99 -ncmoe 8,99,24 -o jsonl > bench.jsonl

Examples:
  moeprof machine calibrate -o my-machine.yaml
  moeprof machine calibrate --llama-bench bench.jsonl -o my-machine.yaml
  moeprof machine calibrate --log server.log -w my-machine.yaml -m gpt-oss-120b`;

type CalibrateOptions = OptionsOf<typeof CALIBRATE>;

/** `moeprof machine calibrate`: measures speeds of the machine and of runtimes. */
export function defineCalibrate(command: Command, context: CliContext): void {
  subcommand(command, 'calibrate', CALIBRATE, {
    help: CALIBRATE_HELP,
    first: ['-w', '--llama-bench', '--log', '--timing', '-o'],
    summary: 'how fast this machine really is, and what runtimes make of it',
  }).action((options: CalibrateOptions) => deliver(context, calibrationReports, options, () => calibrated(options, context)));
}

async function calibrated(options: CalibrateOptions, context: CliContext): Promise<CalibratedMachine> {
  const user = { model: options.model ?? null, quantization: options.quantization ?? null };
  const threads = parseJobs(options.jobs) ?? availableParallelism();
  const given = [...options.llamaBench, ...options.log].flatMap(readTimings);
  const timings = [...given, ...timingsOfFlags(options.timing)].map((timing) => timingOfModel(timing, user));
  const wanted = measuresOf(options.measure ?? (timings.length > 0 ? 'none' : MEASURES.join(',')));
  if (timings.length === 0 && wanted.length === 0)
    throw new UserError('--measure none: leaves nothing to do; give --llama-bench or --log, or measure');
  for (const [flag, value] of [
    ['-m', options.model],
    ['--quantization', options.quantization],
  ] as const) {
    if (value !== undefined && timings.length === 0)
      throw new UserError(`${flag} ${value}: says what a log is of, and there is none; give --llama-bench or --log`);
  }
  const before = await machineToMeasure(options.hardware);
  const machine = machineOfFile(before, options.hardware ?? 'this machine');
  const unplaced = timings.find((timing) => runtimeOfProgram(timing.engine).places !== 'by itself' && isUnplaced(timing, machine));
  if (unplaced !== undefined)
    throw new UserError(
      `${unplaced.place}: nothing says where the experts lie, which decides what constants are fitted to it; ${TELL_PLACES}`,
    );
  const earlier = timings.length === 0 ? [] : timingsOfFile(before.timings, 'timings');
  const all = [...earlier, ...timings];
  const rows = joinedPhases(measurementsOf(all, machine, user));
  const texts = timings.map((timing) => timingText(namedTiming(timing, user)));
  const rates =
    wanted.length === 0
      ? null
      : await watched(context, 'measuring', 'steps', ({ breathe, progress }) =>
          measureMachine(wanted, options.folder, async (done, total) => {
            progress(done, total);
            await breathe();
          }),
        );
  const calibrations: RuntimeCalibration[] = [];
  for (const [name, rowsOfRuntime] of groupedBy(rows, runtimeOf))
    calibrations.push(
      await watched(context, `calibrating ${name}`, 'predictions', (watch) => calibrate(rowsOfRuntime, loadRuntime(name), threads, watch)),
    );
  return { before, timings: texts, date: new Date().toISOString().slice(0, 10), rates, calibrations };
}

/** @throws UserError with the nearest word */
function measuresOf(text: string): Measure[] {
  if (text === 'none') return [];
  return text.split(',').map((word) => {
    const found = MEASURES.find((measure) => measure === word.trim());
    if (found === undefined) throw new UserError(`--measure ${text}: unknown "${word}": ${didYouMean(word, [...MEASURES, 'none'])}`);
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

import type { Command } from 'commander';
import { availableParallelism } from '../../base/host/machine.js';
import { machineOfFile } from '../../hardware/door.js';
import { demandAgreement, loggedMachine } from '../../measured/check/log-machine.js';
import type { CalibratedMachine } from '../../measured/machine/calibrated-machine.js';
import { calibrationReports } from '../../measured/machine/calibration-report.js';
import { learnedSpeeds, namedTiming, timingOfModel } from '../../measured/machine/learn.js';
import { timingsOfFile, timingsOfFlags, timingText } from '../../runtime/door.js';
import type { CliContext } from '../kit/context.js';
import { type OptionsOf, options, subcommand } from '../kit/declared.js';
import { output } from '../kit/groups.js';
import { parseJobs } from '../kit/options.js';
import { deliver } from '../kit/outputs.js';
import { watched } from '../kit/watched.js';
import { machineToMeasure } from './calibrate.js';

const LEARN = options({
  '<timings...>': 'what runtimes printed here: files, - for standard input, or words: "eval 24.3 tok/s, -ncmoe 26"',
  '-w, --hardware <machine>': 'parts, or a file of parts that is taken further; this machine, detected, unless said',
  '-m, --model <model>': 'bundled model of the timings or a GGUF file, where they do not name it',
  '--quantization <format>': 'storage format of its weights, where they do not say',
  '-j, --jobs <n>': 'predictions at a time (default: the machine’s cores)',
  ...output(calibrationReports),
});

const LEARN_HELP = `The file of -o keeps the timings: run, plan, advise, breakeven and check learn
from them with -w. Two settings that differ in context teach most; moeprof
advise -v prints the command.

Examples:
  llama-bench -m model.gguf -ncmoe 24 -d 8192 -o jsonl > bench.jsonl
  moeprof machine learn bench.jsonl -o my-machine.yaml
  llama-bench -m model.gguf -o jsonl | moeprof machine learn - -o box.yaml`;

type LearnOptions = OptionsOf<typeof LEARN>;

/** `moeprof machine learn`. */
export function defineLearn(command: Command, context: CliContext): void {
  subcommand(command, 'learn', LEARN, {
    help: LEARN_HELP,
    first: ['-w', '-m', '-o'],
    summary: 'what runtimes make of this machine, from what they printed',
  }).action((given: readonly string[], options: LearnOptions) =>
    deliver(context, calibrationReports, options, () => learnedMachine(given, options, context)),
  );
}

async function learnedMachine(given: readonly string[], options: LearnOptions, context: CliContext): Promise<CalibratedMachine> {
  const user = { model: options.model ?? null, quantization: options.quantization ?? null };
  const timings = timingsOfFlags(given).map((timing) => (user.model === null ? timingOfModel(timing, user) : namedTiming(timing, user)));
  const before = await machineToMeasure(options.hardware);
  demandAgreement(loggedMachine(timings), machineOfFile(before, options.hardware ?? 'this machine'), options.hardware ?? null);
  const all = [...timingsOfFile(before.timings, 'timings'), ...timings];
  const threads = parseJobs(options.jobs) ?? availableParallelism();
  const learned = await watched(context, 'learning', 'predictions', (watch) => learnedSpeeds(all, before, user, threads, watch));
  const texts = timings.map((timing) => timingText(namedTiming(timing, user)));
  return { before, timings: texts, date: new Date().toISOString().slice(0, 10), rates: null, learned };
}

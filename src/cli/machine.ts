import type { Command } from 'commander';
import { loadRuntime, machineFileOf, readMachineFile } from '../hardware/door.js';
import { machineReports, type ShownMachine } from '../measured/machine/show-report.js';
import { hardwareOfFile, loadHardware } from '../runtime/door.js';
import type { CliContext } from './kit/context.js';
import { type OptionsOf, options, subcommand } from './kit/declared.js';
import { output } from './kit/groups.js';
import { deliver } from './kit/outputs.js';
import { defineCalibrate } from './machine/calibrate.js';
import { defineDetect, detectedMachine } from './machine/detect.js';
import { defineLearn } from './machine/learn.js';
import { learnedBy } from './machine/learned.js';

const SHOW = options({
  '[machine]': 'parts, a bundled name or a YAML file; this machine unless said',
  '--runtime <name>': 'software that drives it, e.g. llama.cpp, ktransformers, hf-eager',
  ...output(machineReports),
});

const SHOW_HELP = `Examples:
  moeprof machine show                            this machine, as detected
  moeprof machine show my-machine.yaml
  moeprof machine show rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB
  moeprof machine show rtx-3090+ryzen-9-7950x --runtime ik_llama.cpp`;

/** Help. */
export const help = `Examples:
  moeprof machine detect
  moeprof machine detect -o my-machine.yaml
  moeprof machine learn bench.jsonl -o my-machine.yaml
  moeprof machine show rtx-3090+ryzen-9-7950x+64GB`;

/** `moeprof machine`: a file per subcommand in machine/. */
export function define(command: Command, context: CliContext): void {
  for (const subcommand of [defineDetect, defineCalibrate, defineLearn, defineShow]) subcommand(command, context);
}

type ShowOptions = OptionsOf<typeof SHOW>;

function defineShow(command: Command, context: CliContext): void {
  subcommand(command, 'show', SHOW, {
    help: SHOW_HELP,
    summary: 'a machine as runs see it: data sheets, what was measured, what a runtime reaches',
  }).action((name: string | undefined, options: ShowOptions) =>
    deliver(context, machineReports, options, () => shownMachine(context, name, options.runtime)),
  );
}

async function shownMachine(context: CliContext, name: string | undefined, runtimeName: string | undefined): Promise<ShownMachine> {
  const runtime = runtimeName === undefined ? null : loadRuntime(runtimeName);
  if (name === undefined) {
    const { detection, name: detectedName } = await detectedMachine();
    const { notSeen, remarks } = detection;
    return { hardware: hardwareOfFile(machineFileOf(detection, detectedName), 'this machine', [], runtime), remarks, notSeen };
  }
  const { notSeen = [], remarks = [], timings } = readMachineFile(name) ?? {};
  const learned = timings === undefined ? null : await learnedBy(context, [], name, { model: null, quantization: null });
  return { hardware: loadHardware(name, undefined, [], runtime, [], learned), remarks, notSeen };
}

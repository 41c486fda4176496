import type { Command } from 'commander';
import { loadRuntime, machineFileOf, readMachineFile } from '../hardware/door.js';
import { machineReports, type ShownMachine } from '../measured/machine/show-report.js';
import { hardwareOfFile, loadHardware } from '../runtime/machine.js';
import type { CliContext } from './kit/context.js';
import { subcommand } from './kit/declared.js';
import type { Texts } from './kit/options.js';
import { deliver, type OutputOptions } from './kit/outputs.js';
import { defineCalibrate } from './machine/calibrate.js';
import { defineDetect, detectedMachine } from './machine/detect.js';

/** `moeprof machine`: parts and measured speeds of the machine. */
export function define(command: Command, context: CliContext): void {
  for (const subcommand of [defineDetect, defineCalibrate, defineShow]) subcommand(command, context);
}

type ShowOptions = OutputOptions & Texts<'runtime'>;

function defineShow(command: Command, context: CliContext): void {
  subcommand(command, 'show', { formats: machineReports }).action((name: string | undefined, options: ShowOptions) =>
    deliver(context, machineReports, options, () => shownMachine(name, options.runtime)),
  );
}

async function shownMachine(name: string | undefined, runtimeName: string | undefined): Promise<ShownMachine> {
  const runtime = runtimeName === undefined ? null : loadRuntime(runtimeName);
  if (name === undefined) {
    const { detection, name: detectedName } = await detectedMachine();
    const { notSeen, remarks } = detection;
    return { hardware: hardwareOfFile(machineFileOf(detection, detectedName), 'this machine', [], runtime), remarks, notSeen };
  }
  const { notSeen = [], remarks = [] } = readMachineFile(name) ?? {};
  return { hardware: loadHardware(name, undefined, [], runtime), remarks, notSeen };
}

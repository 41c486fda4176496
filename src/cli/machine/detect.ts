import type { Command } from 'commander';
import { UserError } from '../../base/errors.js';
import { hostname } from '../../base/host/machine.js';
import { askAll, detectFrom } from '../../hardware/door.js';
import { type DetectedMachine, detectionReports } from '../../measured/machine/detect-report.js';
import type { CliContext } from '../kit/context.js';
import { type OptionsOf, options, subcommand } from '../kit/declared.js';
import { output } from '../kit/groups.js';
import { deliver } from '../kit/outputs.js';

const DETECT = options({
  ...output(detectionReports),
});

const DETECT_HELP = `It asks nvidia-smi, rocm-smi, lspci, lscpu, udev, /proc, /sys and the library
systeminformation, never as root, and says what it did not see.

Examples:
  moeprof machine detect
  moeprof machine detect -o my-machine.yaml
  moeprof run -m gpt-oss-20b -w my-machine.yaml`;

/** `moeprof machine detect`: the machine's parts, as reported without root. */
export function defineDetect(command: Command, context: CliContext): void {
  subcommand(command, 'detect', DETECT, {
    help: DETECT_HELP,
    summary: 'the parts of this machine',
    description: 'The parts of this machine, from what its operating system tells without root.',
  }).action((options: OptionsOf<typeof DETECT>) => deliver(context, detectionReports, options, detectedMachine));
}

/** @throws UserError if too few parts are seen */
export async function detectedMachine(): Promise<DetectedMachine> {
  const detection = detectFrom(await askAll());
  if (detection.parts.length > 0) return { name: hostname() || 'this machine', detection };
  throw new UserError(
    `too little was seen of this machine; name its parts with -w, e.g. rtx-3090+ryzen-9-7950x+64GB (${detection.notSeen[0] ?? ''})`,
  );
}

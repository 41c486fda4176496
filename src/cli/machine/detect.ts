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

/** `moeprof machine detect`: the machine's parts, as reported without root. */
export function defineDetect(command: Command, context: CliContext): void {
  subcommand(command, 'detect', DETECT, {
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

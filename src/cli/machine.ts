// `moeprof machine`: the parts of this machine and its measured speeds. One file per subcommand in machine/.
import type { Command } from 'commander';
import type { CliContext } from './kit/context.js';
import { defineCalibrate } from './machine/calibrate.js';
import { defineDetect } from './machine/detect.js';
import { defineShow } from './machine/show.js';

const EXAMPLES = `
Examples:
  moeprof machine detect
  moeprof machine detect -o my-machine.yaml
  moeprof machine calibrate --llama-bench bench.jsonl -o my-machine.yaml
  moeprof machine show rtx-3090+ryzen-9-7950x+64GB
`;

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  for (const subcommand of [defineDetect, defineCalibrate, defineShow]) subcommand(command, context);
  command.addHelpText('after', EXAMPLES);
}

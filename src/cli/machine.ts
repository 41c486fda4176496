// `moeprof machine`: the parts of this machine and its measured speeds. One file per subcommand in machine/.
import type { Command } from 'commander';
import type { CliContext } from './kit/context.js';
import { defineCalibrate } from './machine/calibrate.js';
import { defineDetect } from './machine/detect.js';
import { defineShow } from './machine/show.js';

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  for (const subcommand of [defineDetect, defineCalibrate, defineShow]) subcommand(command, context);
}

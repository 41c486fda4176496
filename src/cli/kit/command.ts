// A command as the program knows it: an entry of the help, and a module that is loaded when the command runs.
import type { Command } from 'commander';
import type { CliContext } from './context.js';

/** The exports of a command's module. */
export interface CommandModule {
  /** Adds arguments, options, subcommands, help and the action. */
  define(command: Command, context: CliContext): void;
}

/** A command as the help lists it. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Heading in the help. */
  readonly group: 'Profile' | 'Gate and report' | 'Look into inputs' | 'Help and set-up';
  /** One line for the examples in the help. */
  readonly example: string;
  load(): Promise<CommandModule>;
}

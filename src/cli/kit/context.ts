import type { Command } from 'commander';
import type { Environment } from '../../base/host/process.js';
import type { ReportOptions } from '../../report/door.js';
import type { Progress } from './progress.js';
import type { Terminal } from './terminal.js';

/** Options of every command. */
export interface GlobalOptions {
  /** No progress and notes; with file outputs, no table. */
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** undefined: the terminal decides. */
  readonly color?: boolean;
  readonly progress: 'auto' | 'always' | 'never';
  readonly debug: boolean;
}

/** Environment of a command: data goes to `out`, messages through `note` and `progress`. */
export interface CliContext {
  readonly environment: Environment;
  /** Complete when a command's action runs. */
  readonly options: GlobalOptions;
  readonly terminal: Terminal;
  readonly reportOptions: ReportOptions;
  out(text: string): void;
  /** Writes a line to stderr unless quiet. */
  note(text: string): void;
  progress(label: string, total: number, unit: string): Progress;
  /** Handles pending signals. Long work must call `breathe`, or Ctrl-C has no effect; waits at most every 50 ms. */
  breathe(): Promise<void>;
  /** Exit code after the command's return; default 0. */
  setExitCode(code: number): void;
}

/** Exports of a command's module. */
export interface CommandModule {
  /** Text below the options, also of subcommands without a text. */
  readonly help: string;
  define(command: Command, context: CliContext): void;
}

/** A command as the help lists it. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly group: 'Profile' | 'Gate and report' | 'Look into inputs' | 'Help and set-up';
  load(): Promise<CommandModule>;
}

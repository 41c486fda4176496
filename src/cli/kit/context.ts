// The program around a command: streams, global options, exit code, progress, clean-up. Types only.
import type { Command } from 'commander';
import type { Environment } from '../../base/host/process.js';
import type { ReportOptions } from '../../report/door.js';
import type { Progress } from './progress.js';
import type { Terminal } from './terminal.js';

/** Options that every command has. */
export interface GlobalOptions {
  /** No progress, no notes; with file outputs no table either. */
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** undefined: decided by the terminal. */
  readonly color: boolean | undefined;
  readonly progress: 'auto' | 'always' | 'never';
  readonly debug: boolean;
}

/** The world of a command. Commands write data to `out` and everything else through `note` and `progress`. */
export interface CliContext {
  readonly environment: Environment;
  /** Global options as parsed; complete when a command's action runs. */
  readonly options: GlobalOptions;
  readonly terminal: Terminal;
  readonly reportOptions: ReportOptions;
  out(text: string): void;
  /** Writes a message for people to stderr, one line; nothing when quiet. */
  note(text: string): void;
  progress(label: string, total: number, unit: string): Progress;
  /** Handles pending signals. Work that never waits must call it now and then (it waits at most every 50 ms), or Ctrl-C has no effect. */
  breathe(): Promise<void>;
  /** Exit code of the process once the command has returned; 0 unless set. */
  setExitCode(code: number): void;
}

/** The exports of a command's module. */
export interface CommandModule {
  define(command: Command, context: CliContext): void;
}

/** A command as the help lists it. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly group: 'Profile' | 'Gate and report' | 'Look into inputs' | 'Help and set-up';
  load(): Promise<CommandModule>;
}

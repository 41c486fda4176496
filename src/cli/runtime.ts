// The world of a running command: the process's streams and signals behind the small interface that commands see.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EXIT } from '../base/errors.js';
import type { ReportOptions } from '../report/format.js';
import type { CliContext, GlobalOptions } from './context.js';
import { Progress, type ProgressMode } from './progress.js';
import { detectTerminal, type Environment, type Terminal } from './terminal.js';

/** Longest time in ms that work may keep signals waiting. */
const BREATH = 50;

/** {@link CliContext} on a real process. */
export class Runtime implements CliContext {
  readonly environment: Environment;
  exitCode: number = EXIT.ok;
  readonly #process: NodeJS.Process;
  readonly #cleanups = new Set<() => void>();
  readonly #undo: (() => void)[] = [];
  #options: () => GlobalOptions = () => {
    throw new Error('options are read before they are parsed');
  };
  #lastBreath = performance.now();

  /** Takes over signals and broken pipes until {@link close}. */
  constructor(process: NodeJS.Process, argv: readonly string[]) {
    this.#process = process;
    this.environment = process.env;
    const on = (emitter: NodeJS.EventEmitter, event: string, listener: (...values: unknown[]) => void): void => {
      emitter.on(event, listener);
      this.#undo.push(() => emitter.off(event, listener));
    };
    on(process, 'SIGINT', () => this.#end(EXIT.interrupted));
    on(process, 'SIGTERM', () => this.#end(EXIT.terminated));
    for (const stream of [process.stdout, process.stderr]) {
      // The reader has gone (`moeprof ... | head`): nothing that is still to be written has a reader, and that is no error. The
      // listener stays: buffered output meets the closed pipe after the command has returned.
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw error;
        this.#end(this.exitCode);
      });
    }
    if (argv.includes('--debug')) Error.stackTraceLimit = 50;
  }

  /** Where the global options come from. */
  readOptions(read: () => GlobalOptions): void {
    this.#options = read;
  }

  get options(): GlobalOptions {
    return this.#options();
  }

  get terminal(): Terminal {
    return detectTerminal(this.#process.stdout, this.environment, this.options.color);
  }

  get reportOptions(): ReportOptions {
    return { ...this.terminal, verbose: this.options.verbose };
  }

  out(text: string): void {
    this.#process.stdout.write(text);
  }

  note(text: string): void {
    if (!this.options.quiet) this.#process.stderr.write(`${text}\n`);
  }

  progress(label: string, total: number, unit: string): Progress {
    const { stderr } = this.#process;
    const { width, unicode } = detectTerminal(stderr, this.environment, this.options.color);
    const sink = { write: (text: string) => stderr.write(text), width, unicode, now: () => performance.now() };
    return new Progress(this.#progressMode(), sink, label, total, unit);
  }

  #progressMode(): ProgressMode {
    const { quiet, progress } = this.options;
    const terminal = this.#process.stderr.isTTY === true && this.environment.TERM !== 'dumb';
    if (progress === 'never' || (quiet && progress === 'auto')) return 'off';
    return terminal ? 'bar' : progress === 'always' ? 'lines' : 'off';
  }

  async breathe(): Promise<void> {
    const now = performance.now();
    if (now - this.#lastBreath < BREATH) return;
    await nextTurn();
    this.#lastBreath = performance.now();
  }

  onInterrupt(cleanup: () => void): () => void {
    this.#cleanups.add(cleanup);
    return () => this.#cleanups.delete(cleanup);
  }

  setExitCode(code: number): void {
    this.exitCode = code;
  }

  /** Gives signals back. */
  close(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }

  /** Ends the process from outside the command's own flow, leaving nothing half written behind. */
  #end(code: number): void {
    for (const cleanup of this.#cleanups) cleanup();
    this.#cleanups.clear();
    this.#process.exit(code);
  }
}

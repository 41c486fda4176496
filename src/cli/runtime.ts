// The world of a running command: the process's streams and signals behind the small interface that commands see.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EXIT, UserError } from '../base/errors.js';
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
  /** Whose output is under way: what is buffered meets a closed pipe or a full disk only after its command has returned. */
  static #latest: Runtime | null = null;
  readonly #process: NodeJS.Process;
  readonly #failure: (error: unknown) => number;
  readonly #cleanups = new Set<() => void>();
  readonly #undo: (() => void)[] = [];
  readonly #interrupted = (): void => this.#end(EXIT.interrupted);
  readonly #terminated = (): void => this.#end(EXIT.terminated);
  #options: () => GlobalOptions = () => {
    throw new Error('options are read before they are parsed');
  };
  #lastBreath = performance.now();

  /**
   * Takes over signals, broken pipes and stray exceptions until {@link close}.
   * @param failure says what went wrong, and with which exit code
   */
  constructor(process: NodeJS.Process, failure: (error: unknown) => number) {
    this.#process = process;
    this.environment = process.env;
    const on = (event: string, listener: (value: unknown) => void): void => {
      process.on(event, listener);
      this.#undo.push(() => process.off(event, listener));
    };
    this.#listen();
    // Node would end with 1, which says that a gate has failed.
    on('uncaughtException', (error) => this.#end(failure(error)));
    this.#undo.push(() => this.#deafen());
    this.#failure = failure;
    if (Runtime.#latest === null) {
      process.stdout.on('error', (error) => Runtime.#latest!.#outputFailed(error));
      process.stderr.on('error', () => undefined);
    }
    Runtime.#latest = this;
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

  async withoutBreath<T>(work: () => T): Promise<T> {
    // A signal that has come already is still to be heard.
    await nextTurn();
    if (this.#cleanups.size > 0) return work();
    this.#deafen();
    try {
      return work();
    } finally {
      this.#listen();
    }
  }

  onInterrupt(cleanup: () => void): () => void {
    this.#cleanups.add(cleanup);
    return () => this.#cleanups.delete(cleanup);
  }

  setExitCode(code: number): void {
    this.exitCode = code;
  }

  /** A reader that has gone (`moeprof ... | head`) is no error: nothing that is still to be written has a reader. */
  #outputFailed(error: NodeJS.ErrnoException): void {
    this.#end(error.code === 'EPIPE' ? this.exitCode : this.#failure(new UserError(`stdout: cannot be written: ${error.message}`)));
  }

  #listen(): void {
    this.#process.on('SIGINT', this.#interrupted);
    this.#process.on('SIGTERM', this.#terminated);
  }

  #deafen(): void {
    this.#process.off('SIGINT', this.#interrupted);
    this.#process.off('SIGTERM', this.#terminated);
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

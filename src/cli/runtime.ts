// The environment of a running command: the process's streams behind the small interface of commands.
import { breathing } from '../base/breath.js';
import { EXIT, UserError } from '../base/errors.js';
import { visible } from '../base/text.js';
import type { ReportOptions } from '../report/format.js';
import type { CliContext, GlobalOptions } from './kit/context.js';
import { type Progress, type ProgressMode, startProgress } from './kit/progress.js';
import { detectTerminal, type Environment, type Terminal } from './kit/terminal.js';

/** {@link CliContext} on a real process. */
export class Runtime implements CliContext {
  readonly environment: Environment;
  readonly breathe = breathing();
  exitCode: number = EXIT.ok;
  /** The latest runtime: its buffered output may meet a closed pipe or a full disk after its command has returned. */
  static #latest: Runtime | null = null;
  readonly #process: NodeJS.Process;
  readonly #failure: (error: unknown) => number;
  readonly #undo: (() => void)[] = [];
  #options: () => GlobalOptions = () => {
    throw new Error('options are read before they are parsed');
  };

  /**
   * Takes over broken pipes and stray exceptions until {@link close}.
   * @param failure prints an error and returns its exit code
   */
  constructor(process: NodeJS.Process, failure: (error: unknown) => number) {
    this.#process = process;
    this.environment = process.env;
    const on = (event: string, listener: (value: unknown) => void): void => {
      process.on(event, listener);
      this.#undo.push(() => process.off(event, listener));
    };
    // The first process of a container ignores signals without a handler; signals end any other process.
    if (process.pid === 1) {
      on('SIGINT', () => this.#end(EXIT.interrupted));
      on('SIGTERM', () => this.#end(EXIT.terminated));
    }
    // Node would end with 1, the code of a failed gate.
    on('uncaughtException', (error) => this.#end(failure(error)));
    this.#failure = failure;
    if (Runtime.#latest === null) {
      process.stdout.on('error', (error) => Runtime.#latest!.#outputFailed(error));
      process.stderr.on('error', () => undefined);
    }
    Runtime.#latest = this;
  }

  /** Sets the source of the global options. */
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
    if (!this.options.quiet) this.#process.stderr.write(`${visible(text)}\n`);
  }

  progress(label: string, total: number, unit: string): Progress {
    const { stderr } = this.#process;
    const { width, unicode } = detectTerminal(stderr, this.environment, this.options.color);
    const mode = this.#progressMode();
    // A signal that ends the process removes the line first; finished work leaves signals to the system.
    const ended = (signal: NodeJS.Signals): void => {
      shown.finish();
      this.#process.kill(this.#process.pid, signal);
    };
    let listening = false;
    const listen = (wanted: boolean): void => {
      if (wanted === listening || this.#process.pid === 1) return;
      listening = wanted;
      for (const signal of ['SIGINT', 'SIGTERM'] as const) this.#process[wanted ? 'on' : 'off'](signal, ended);
    };
    const sink = { write: (text: string) => stderr.write(text), width, unicode, now: () => performance.now() };
    const bar = startProgress(mode, sink, label, total, unit);
    const shown: Progress = {
      update: (done, aside) => {
        listen(mode === 'bar' && (total === 0 || done < total));
        bar.update(done, aside);
      },
      finish: () => {
        listen(false);
        bar.finish();
      },
    };
    return shown;
  }

  #progressMode(): ProgressMode {
    const { quiet, progress } = this.options;
    const terminal = this.#process.stderr.isTTY === true && this.environment.TERM !== 'dumb';
    if (progress === 'never' || (quiet && progress === 'auto')) return 'off';
    return terminal ? 'bar' : progress === 'always' ? 'lines' : 'off';
  }

  setExitCode(code: number): void {
    this.exitCode = code;
  }

  /** A reader that has gone (`moeprof ... | head`) is no error: nothing that is still to be written has a reader. */
  #outputFailed(error: NodeJS.ErrnoException): void {
    this.#end(error.code === 'EPIPE' ? this.exitCode : this.#failure(new UserError(`stdout: cannot be written: ${error.message}`)));
  }

  /** Removes all handlers. */
  close(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }

  /** Ends the process from outside the command's own flow. */
  #end(code: number): void {
    this.#process.exit(code);
  }
}

import { codeOf, EXIT, UserError } from '../base/errors.js';
import { killSelf, stderr, stdout } from '../base/host/command.js';
import { type Environment, env, exit, listen, type ProcessEvent, pid } from '../base/host/process.js';
import { visible } from '../base/text.js';
import { breathing } from '../base/work-watch.js';
import type { ReportOptions } from '../report/door.js';
import type { CliContext, GlobalOptions } from './kit/context.js';
import { type Progress, type ProgressMode, startProgress } from './kit/progress.js';
import { detectTerminal, type Terminal } from './kit/terminal.js';

/** {@link CliContext} on a real process. */
export class Runtime implements CliContext {
  readonly environment: Environment = env;
  readonly breathe = breathing();
  exitCode: number = EXIT.ok;
  /** Buffered output may meet a closed pipe or a full disk after a command's return. */
  static #latest: Runtime | null = null;
  readonly #failure: (error: unknown) => number;
  readonly #undo: (() => void)[] = [];
  #options: () => GlobalOptions = () => {
    throw new Error('options are read before they are parsed');
  };

  /** Broken pipes and stray exceptions, until {@link close}. @param failure prints an error, returns an exit code */
  constructor(failure: (error: unknown) => number) {
    const on = (event: ProcessEvent, hear: (value: unknown) => void): void => void this.#undo.push(listen(event, hear));
    // The first process of a container ignores signals without a handler.
    if (pid === 1) {
      on('SIGINT', () => exit(EXIT.interrupted));
      on('SIGTERM', () => exit(EXIT.terminated));
    }
    // Node would exit with 1, the code of a failed gate.
    on('uncaughtException', (error) => exit(failure(error)));
    this.#failure = failure;
    if (Runtime.#latest === null) {
      stdout().on('error', (error) => Runtime.#latest!.#outputFailed(error));
      stderr().on('error', () => undefined);
    }
    Runtime.#latest = this;
  }

  readOptions(read: () => GlobalOptions): void {
    this.#options = read;
  }

  get options(): GlobalOptions {
    return this.#options();
  }

  get terminal(): Terminal {
    return detectTerminal(stdout(), this.environment, this.options.color);
  }

  get reportOptions(): ReportOptions {
    return { ...this.terminal, verbose: this.options.verbose };
  }

  out(text: string): void {
    stdout().write(text);
  }

  note(text: string): void {
    if (!this.options.quiet) stderr().write(`${visible(text)}\n`);
  }

  progress(label: string, total: number, unit: string): Progress {
    const stream = stderr();
    const { width, unicode } = detectTerminal(stream, this.environment, this.options.color);
    const mode = this.#progressMode();
    // A final signal removes the progress line first.
    const ended = (signal: string): void => {
      shown.finish();
      killSelf(signal);
    };
    let deaf: (() => void)[] = [];
    const listenIf = (wanted: boolean): void => {
      if (wanted === deaf.length > 0 || pid === 1) return;
      for (const end of deaf) end();
      deaf = wanted ? (['SIGINT', 'SIGTERM'] as const).map((signal) => listen(signal, () => ended(signal))) : [];
    };
    const sink = { write: (text: string) => stream.write(text), width, unicode, now: () => performance.now() };
    const bar = startProgress(mode, sink, label, total, unit);
    const shown: Progress = {
      update: (done, aside) => {
        listenIf(mode === 'bar' && (total === 0 || done < total));
        bar.update(done, aside);
      },
      finish: () => {
        listenIf(false);
        bar.finish();
      },
    };
    return shown;
  }

  #progressMode(): ProgressMode {
    const { quiet, progress } = this.options;
    const terminal = stderr().isTTY === true && this.environment.TERM !== 'dumb';
    if (progress === 'never' || (quiet && progress === 'auto')) return 'off';
    return terminal ? 'bar' : progress === 'always' ? 'lines' : 'off';
  }

  setExitCode(code: number): void {
    this.exitCode = code;
  }

  /** A closed reader (`moeprof ... | head`) is no error. */
  #outputFailed(error: Error): void {
    exit(codeOf(error) === 'EPIPE' ? this.exitCode : this.#failure(new UserError(`stdout: cannot be written: ${error.message}`)));
  }

  close(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }
}

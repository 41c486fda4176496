// `--timeline <file>`: the run as trace events in a file, written while it runs.
import { UserError } from '../base/errors.js';
import { Gzip } from '../base/gzip.js';
import { formatCount, formatNs } from '../base/units.js';
import type { Inputs } from '../engine/inputs.js';
import type { Simulation } from '../engine/simulation.js';
import type { Observer } from '../engine/watch/observer.js';
import { reports } from '../report/index.js';
import type { Result } from '../result/result.js';
import { TraceEvents } from '../timeline/events.js';
import { Timeline } from '../timeline/timeline.js';
import { EVERYTHING, parseWindow, type Window } from '../timeline/window.js';
import type { CliContext } from './context.js';
import { isSameFile, openSink, parseOutput, type Sink } from './outputs.js';

/** Events from which viewers in a browser become slow: some 130 bytes of JSON each, several times that in their memory. */
const MANY = 2_000_000;

/** Values of the flags. */
export interface TimelineOptions {
  readonly timeline?: string;
  readonly timelineWindow?: string;
}

/** A timeline file under construction. */
export class TimelineFile {
  readonly #path: string;
  readonly #context: CliContext;
  readonly #window: Window;
  readonly #sink: Sink;
  readonly #gzip: Gzip | null;
  readonly #events: TraceEvents;
  #timeline: Timeline | null = null;

  private constructor(path: string, window: Window, context: CliContext) {
    const sink = openSink(path, '--timeline');
    const gzip = path.endsWith('.gz') ? new Gzip((bytes) => sink.write(bytes)) : null;
    this.#path = path;
    this.#context = context;
    this.#window = window;
    this.#sink = sink;
    this.#gzip = gzip;
    this.#events = new TraceEvents((text) => (gzip === null ? sink.write(text) : gzip.write(Buffer.from(text))));
  }

  /**
   * Opens the file.
   * @param targets values of `-o`
   * @returns null where no timeline is asked for
   * @throws UserError where a flag is wrong or the file cannot be written
   */
  static open({ timeline, timelineWindow }: TimelineOptions, targets: readonly string[], context: CliContext): TimelineFile | null {
    if (timeline === undefined) {
      if (timelineWindow !== undefined) throw new UserError(`--timeline-window ${timelineWindow}: of what? add --timeline <file.json.gz>`);
      return null;
    }
    if (!/\.json(\.gz)?$/.test(timeline)) {
      throw new UserError(`--timeline ${timeline}: viewers know it by its ending; write ${timeline}.json.gz, or .json`);
    }
    if (targets.some((target) => isSameFile(parseOutput(target, reports).path, timeline))) {
      throw new UserError(`--timeline ${timeline}: is given to -o too; write each to its own path`);
    }
    return new TimelineFile(
      timeline,
      timelineWindow === undefined ? EVERYTHING : parseWindow(timelineWindow, '--timeline-window'),
      context,
    );
  }

  /** Who watches the run. */
  observe({ model }: Inputs, { gpus }: Simulation): Observer {
    this.#timeline = new Timeline({ model, gpus, window: this.#window, events: this.#events });
    return this.#timeline;
  }

  /** Writes the rest, puts the file in its place and says how to look at it. */
  finish({ fingerprint, inputs, metrics, tool }: Result): void {
    const { hardware, model, quantization, system } = inputs;
    this.#timeline!.end();
    this.#events.end({ tool: `${tool.name} ${tool.version}`, model, quantization, hardware, system, fingerprint });
    this.#gzip?.end();
    this.#sink.commit();
    const { written } = this.#events;
    const count = `${this.#path}: ${formatCount(written)} events`;
    if (written === 0) {
      this.#context.note(`${count}: the run ends before the window begins, after ${formatNs(metrics['time.total']!.value)}`);
    } else if (written > MANY) {
      this.#context.note(`${count}: browsers are slow with so many; --timeline-window, e.g. pass:100..200, writes a part`);
    } else {
      this.#context.note(`${count}; open it in https://ui.perfetto.dev or chrome://tracing`);
    }
  }

  /** Drops an unfinished file; does nothing after {@link finish}. */
  abort(): void {
    this.#sink.abort();
  }
}

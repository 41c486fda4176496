// `--timeline <file>`: the run as trace events in a file, written while it runs.

import { UserError } from '../base/errors.js';
import { Gzip } from '../base/gzip.js';
import { bytesOf } from '../base/host/bytes.js';
import { formatCount, formatNs } from '../base/units.js';
import type { Simulation } from '../engine/compose/simulation.js';
import type { Inputs } from '../engine/inputs/inputs.js';
import type { Observer } from '../engine/transfer/observer.js';
import { reports } from '../report/formats/index.js';
import type { Result } from '../result/result.js';
import { TraceEvents } from '../timeline/events.js';
import { Timeline } from '../timeline/timeline.js';
import { EVERYTHING, parseWindow } from '../timeline/window.js';
import type { CliContext } from './kit/context.js';
import { isSameFile, openSink, parseOutput } from './kit/outputs.js';

/** Events from which viewers in a browser become slow: some 130 bytes of JSON each, several times that in their memory. */
const MANY = 2_000_000;

/** Values of the flags. */
export interface TimelineOptions {
  readonly timeline?: string;
  readonly timelineWindow?: string;
}

/**
 * Opens the file.
 * @param targets values of `-o`
 * @returns null where no timeline is asked for
 * @throws UserError where a flag is wrong or the file cannot be written
 */
export function openTimeline({ timeline: path, timelineWindow }: TimelineOptions, targets: readonly string[], context: CliContext) {
  if (path === undefined) {
    if (timelineWindow !== undefined) throw new UserError(`--timeline-window ${timelineWindow}: of what? add --timeline <file.json.gz>`);
    return null;
  }
  if (!/\.json(\.gz)?$/.test(path)) {
    throw new UserError(`--timeline ${path}: viewers know it by its ending; write ${/[\w)]$/.test(path) ? path : 'run'}.json.gz, or .json`);
  }
  if (targets.some((target) => isSameFile(parseOutput(target, reports).path, path))) {
    throw new UserError(`--timeline ${path}: is given to -o too; write each to its own path`);
  }
  const window = timelineWindow === undefined ? EVERYTHING : parseWindow(timelineWindow, '--timeline-window');
  const sink = openSink(path, '--timeline');
  const gzip = path.endsWith('.gz') ? new Gzip((bytes) => sink.write(bytes)) : null;
  const events = new TraceEvents((text) => (gzip === null ? sink.write(text) : gzip.write(bytesOf(text))));
  let timeline: Timeline | null = null;
  return {
    /** The observer of the run. */
    observe({ model }: Inputs, { gpus }: Simulation): Observer {
      timeline = new Timeline({ model, gpus, window, events });
      return timeline;
    },
    /** Writes the rest, puts the file in place and prints how to open it. */
    finish({ fingerprint, inputs, metrics, tool }: Result): void {
      const { hardware, model, quantization, system } = inputs;
      timeline!.end();
      events.end({ tool: `${tool.name} ${tool.version}`, model, quantization, hardware, system, fingerprint });
      gzip?.end();
      sink.commit();
      const { written } = events;
      const advice =
        written === 0
          ? `: the run ends before the window begins, after ${formatNs(metrics['time.total']!.value)}`
          : written > MANY
            ? ': browsers are slow with so many; --timeline-window, e.g. pass:100..200, writes a part'
            : '; open it in https://ui.perfetto.dev or chrome://tracing';
      context.note(`${path}: ${formatCount(written)} events${advice}`);
    },
    /** Drops an unfinished file; does nothing after `finish`. */
    abort: (): void => sink.abort(),
  };
}

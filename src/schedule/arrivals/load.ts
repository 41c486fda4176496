// Loads the arrivals of a run: a file is read line by line, or a random process is drawn.

import { UserError } from '../../base/errors.js';
import { resolve } from '../../base/host/paths.js';
import { withInput } from '../../base/input-file.js';
import { type Choice, choose } from '../../base/parameters.js';
import { isPath } from '../../base/profiles.js';
import { LineScanner } from '../../base/scan.js';
import type { Written } from '../../base/written.js';
import { type Arrivals, atRate } from './arrivals.js';
import type { Arrival } from './format.js';
import { ARRIVAL_FORMATS } from './index.js';
import { drawArrivals, PROCESSES } from './process.js';

/** Requests that are held in memory. */
const MOST_REQUESTS = 5_000_000;

/** The source of arrivals: a file, or a random process. */
type ArrivalSource = Choice | (Written & { readonly path: string });

/** The fields of a run about its arrivals. */
interface ArrivalOptions {
  readonly arrivals: ArrivalSource;
  /** Requests per second: files are stretched or compressed to this mean rate; processes have it instead of their own. */
  readonly rate?: number | undefined;
  /** Most requests; absent: all of a file, 100 of a process. */
  readonly requests?: number | undefined;
  /** Prompt and generated tokens of a request, where they are drawn. */
  readonly prompt: number;
  readonly output: number;
}

/**
 * Reads the source of arrivals: a path, `poisson:rate=2` or `gamma:rate=2,cv=2`.
 * @throws UserError where it is neither, or a parameter of the process is impossible
 */
export function parseArrivals(text: string): ArrivalSource {
  if (isPath(text) && !Object.hasOwn(PROCESSES, text.split(':', 1)[0]!)) return { text, path: text };
  return choose('workload', text, {}, (name) => {
    if (Object.hasOwn(PROCESSES, name)) return { parameters: PROCESSES[name]! };
    const processes = Object.keys(PROCESSES).join(', ');
    throw new UserError(`"${text}" is neither a file (./${text}.csv) nor one of ${processes}; write e.g. poisson:rate=2`);
  });
}

/**
 * Reads or draws arrivals.
 * @param folder folder that a path is relative to
 * @throws UserError with file and line where a line is malformed
 */
export function loadArrivals(options: ArrivalOptions, folder: string, seed: number): Arrivals {
  const arrivals = arrivalsOf(options, folder, seed);
  // Not a number, where two infinite times are compared.
  if (arrivals.arrivalNs[arrivals.count - 1]! <= Number.MAX_SAFE_INTEGER) return arrivals;
  throw new UserError(
    `workload ${options.arrivals.text}: the last request arrives later than 104 days after the first; is the rate, or the unit of time, right?`,
  );
}

function arrivalsOf(options: ArrivalOptions, folder: string, seed: number): Arrivals {
  const { arrivals: source, rate } = options;
  if ('name' in source) {
    return drawArrivals(source.name, rate === undefined ? source.parameters : { ...source.parameters, rate }, options, seed);
  }
  const read = readArrivals(resolve(folder, source.path), options.requests ?? Number.POSITIVE_INFINITY);
  return rate === undefined ? read : atRate(read, rate);
}

/**
 * Reads the first `most` requests of a file; its format is recognised by its first line.
 * @throws UserError with file and line
 */
export function readArrivals(path: string, most: number = Number.POSITIVE_INFINITY): Arrivals {
  return withInput(path, 'workload', (file) => {
    const arrivals = collectArrivals(new LineScanner(file), path, most);
    file.checkUnchanged();
    return arrivals;
  });
}

function collectArrivals(lines: LineScanner, path: string, most: number): Arrivals {
  do {
    if (!lines.next()) throw new UserError(`${path}: is empty, where a file of arrivals is expected`);
  } while (lines.blank());
  const first = lines.text();
  const format = ARRIVAL_FORMATS.find((known) => known.recognises(first));
  if (format === undefined) {
    const known = ARRIVAL_FORMATS.map(({ name, summary }) => `${name} (${summary})`).join('; ');
    throw new UserError(`${lines.place()}: not a file of arrivals that is known: ${known}`);
  }
  const read = format.reader(first);
  const all: Arrival[] = [];
  let more = format.header ? lines.next() : true;
  for (; more && all.length < most; more = lines.next()) {
    if (lines.blank()) continue;
    const arrival = read(lines.text(), lines.place());
    if (all.length > 0 && arrival.arrivalNs < all.at(-1)!.arrivalNs) {
      throw new UserError(`${lines.place()}: arrives before the request above it; sort the file by arrival`);
    }
    if (all.length === MOST_REQUESTS) {
      throw new UserError(`${path}: holds more than ${MOST_REQUESTS} requests; take the first of them with workload.requests`);
    }
    all.push(arrival);
  }
  if (all.length === 0) throw new UserError(`${path}: holds no request`);
  const classes = all.map(({ requestClass }) => requestClass);
  return {
    count: all.length,
    arrivalNs: Float64Array.from(all, ({ arrivalNs }) => arrivalNs - all[0]!.arrivalNs),
    prompt: Int32Array.from(all, ({ prompt }) => prompt),
    output: Int32Array.from(all, ({ output }) => output),
    requestClass: classes.some((name) => name !== '') ? classes : null,
  };
}

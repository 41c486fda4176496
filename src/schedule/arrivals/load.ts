// From what a run says of its arrivals to arrivals: a file is read, line by line, or a process is drawn.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf, UserError } from '../../base/errors.js';
import { splitSpec } from '../../base/parameters.js';
import { isPath } from '../../base/profiles.js';
import { LineScanner } from '../../base/scan.js';
import { type Arrivals, atRate } from './arrivals.js';
import type { Arrival } from './format.js';
import { ARRIVAL_FORMATS } from './index.js';
import { drawArrivals, PROCESSES } from './process.js';

/** What a run says of its arrivals. */
export interface ArrivalOptions {
  /** A file, or `poisson:rate=2`, `gamma:rate=2,cv=2`. */
  readonly arrivals: string;
  /** Requests per second: files are stretched or compressed to this mean rate; processes have it instead of their own. */
  readonly rate?: number | undefined;
  /** Most requests; absent: all of a file, 100 of a process. */
  readonly requests?: number | undefined;
  /** Prompt and generated tokens of a request, where they are drawn. */
  readonly prompt: number;
  readonly output: number;
}

/**
 * Reads or draws arrivals.
 * @param folder what a path is relative to
 * @throws UserError with file and line where a line is malformed
 */
export function loadArrivals(options: ArrivalOptions, folder: string, seed: number): Arrivals {
  const { arrivals: spec, rate } = options;
  if (Object.hasOwn(PROCESSES, spec.split(':', 1)[0]!)) {
    const { name, given } = splitSpec(spec);
    return drawArrivals(name, rate === undefined ? given : { ...given, rate }, options, seed);
  }
  if (!isPath(spec)) {
    throw new UserError(
      `workload "${spec}": expected a file (./${spec}.csv), or one of ${Object.keys(PROCESSES).join(', ')}, e.g. poisson:rate=2`,
    );
  }
  const read = readArrivals(resolve(folder, spec), options.requests ?? Number.POSITIVE_INFINITY);
  return rate === undefined ? read : atRate(read, rate);
}

/**
 * Reads the first `most` requests of a file; its format is recognised by its first line.
 * @throws UserError with file and line
 */
export function readArrivals(path: string, most: number = Number.POSITIVE_INFINITY): Arrivals {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw new UserError(`${path}: cannot be read: ${messageOf(error)}`);
  }
  try {
    const lines = new LineScanner({
      path,
      bytes: fstatSync(fd).size,
      read: (position, into) => {
        for (let done = 0; done < into.length; ) {
          const count = readSync(fd, into, done, into.length - done, position + done);
          if (count === 0) throw new UserError(`${path}: became shorter while it was read`);
          done += count;
        }
      },
    });
    return collectArrivals(lines, path, most);
  } finally {
    closeSync(fd);
  }
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

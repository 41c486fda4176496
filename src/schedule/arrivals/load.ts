import { UserError } from '../../base/errors.js';
import { grown } from '../../base/grown.js';
import { resolve } from '../../base/host/paths.js';
import { withInput } from '../../base/input-file.js';
import { LIMITS, Meter } from '../../base/meter.js';
import { byName } from '../../base/objects.js';
import { type Choice, choose, type Parameters, type ParameterTable } from '../../base/parameters.js';
import { isPath } from '../../base/profiles.js';
import { Random } from '../../base/random.js';
import { LineScanner } from '../../base/scan.js';
import type { Written } from '../../base/written.js';
import { type Arrivals, atRate } from './arrivals.js';
import { azure, generic, llmservingsim, vidur } from './csv-formats.js';
import type { Arrival, ArrivalFormat } from './format.js';
import { mooncake } from './mooncake.js';

type ArrivalSource = Choice | (Written & { readonly path: string });

interface ArrivalOptions {
  readonly arrivals: ArrivalSource;
  /** Requests per second: rescales a file, or sets a process's rate. */
  readonly rate?: number;
  /** Most requests; absent: all of a file, 100 of a process. */
  readonly requests?: number;
  readonly prompt: number;
  readonly output: number;
}

/** A path, `poisson:rate=2` or `gamma:rate=2,cv=2`. @throws UserError for anything else */
export function parseArrivals(text: string): ArrivalSource {
  if (isPath(text) && PROCESSES[text.split(':', 1)[0]!] === undefined) return { text, path: text };
  return choose('workload', text, {}, (name) => {
    const parameters = PROCESSES[name];
    if (parameters !== undefined) return { parameters };
    const processes = Object.keys(PROCESSES).join(', ');
    throw new UserError(`"${text}" is neither a file (./${text}.csv) nor one of ${processes}; write e.g. poisson:rate=2`);
  });
}

/** @param folder of a relative path @throws UserError with file and line for a malformed line */
export function loadArrivals(options: ArrivalOptions, folder: string, seed: number): Arrivals {
  const arrivals = arrivalsOf(options, folder, seed);
  // Written with `<=`, so that NaN (from infinite times) is refused too.
  if (arrivals.arrivalNs[arrivals.count - 1]! <= Number.MAX_SAFE_INTEGER) return arrivals;
  throw new UserError(
    `workload ${options.arrivals.text}: the last request arrives later than 104 days after the first; is the rate, or the unit of time, right?`,
  );
}

function arrivalsOf(options: ArrivalOptions, folder: string, seed: number): Arrivals {
  const { arrivals: source, rate } = options;
  if ('name' in source)
    return drawArrivals(source.name, rate === undefined ? source.parameters : { ...source.parameters, rate }, options, seed);
  const read = readArrivals(resolve(folder, source.path), options.requests ?? Number.POSITIVE_INFINITY);
  return rate === undefined ? read : atRate(read, rate);
}

/** The first `most` requests, in any known format. @throws UserError with file and line */
export const readArrivals = (path: string, most: number = Number.POSITIVE_INFINITY): Arrivals =>
  withInput(path, 'workload', (file) => {
    const arrivals = collectArrivals(new LineScanner(file), path, most);
    file.checkUnchanged();
    return arrivals;
  });

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
  const columns = new Columns();
  const requests = new Meter(path, LIMITS.requests);
  let more = format.header ? lines.next() : true;
  for (; more && columns.count < most; more = lines.next()) {
    if (lines.blank()) continue;
    const arrival = read(lines.text(), lines.place());
    if (columns.count > 0 && arrival.arrivalNs < columns.lastNs)
      throw new UserError(`${lines.place()}: arrives before the request above it; sort the file by arrival`);
    requests.spent(1);
    columns.add(arrival);
  }
  if (columns.count === 0) throw new UserError(`${path}: holds no request`);
  return columns.arrivals();
}

/** Columns instead of objects: a million objects would take a hundred MiB. */
class Columns {
  count = 0;
  lastNs = 0;
  #arrivalNs = new Float64Array(256);
  #prompt = new Int32Array(256);
  #output = new Int32Array(256);
  readonly #classes: string[] = [];

  add({ arrivalNs, output, prompt, requestClass }: Arrival): void {
    if (this.count === this.#prompt.length) {
      this.#arrivalNs = grown(this.#arrivalNs);
      this.#prompt = grown(this.#prompt);
      this.#output = grown(this.#output);
    }
    this.#arrivalNs[this.count] = this.lastNs = arrivalNs;
    this.#prompt[this.count] = prompt;
    this.#output[this.count] = output;
    if (requestClass !== '') {
      while (this.#classes.length < this.count) this.#classes.push('');
      this.#classes.push(requestClass);
    }
    this.count++;
  }

  arrivals(): Arrivals {
    const { count } = this;
    const firstNs = this.#arrivalNs[0]!;
    const requestClass =
      this.#classes.length === 0 ? null : [...this.#classes, ...new Array<string>(count - this.#classes.length).fill('')];
    const arrivalNs = this.#arrivalNs.subarray(0, count).map((ns) => ns - firstNs);
    return { count, arrivalNs, prompt: this.#prompt.slice(0, count), output: this.#output.slice(0, count), requestClass };
  }
}

const RATE = { default: 0, description: 'requests per second', min: 0 };

/** Parameters by process: Poisson, or gamma gaps by coefficient of variation (1: Poisson, above: bursts). */
const PROCESSES = byName<ParameterTable>({
  poisson: { rate: RATE },
  gamma: { rate: RATE, cv: { default: 1, description: 'coefficient of variation of the gaps', min: 0.01, max: 100 } },
});

/** Default requests of a process. Ours. */
const REQUESTS = 100;

/** Equal lengths, the first at 0. @throws UserError without a rate */
function drawArrivals(
  name: string,
  parameters: Parameters,
  { output, prompt, requests = REQUESTS }: { readonly output: number; readonly prompt: number; readonly requests?: number },
  seed: number,
): Arrivals {
  const { cv = 1, rate } = parameters as Record<string, number>;
  if (!(rate! > 0)) throw new UserError(`workload ${name}: needs a rate of more than 0 requests per second, e.g. ${name}:rate=2`);
  new Meter(`workload ${name}`, LIMITS.requests).spent(requests);
  const random = new Random(seed, `workload/${name}`);
  const arrivalNs = new Float64Array(requests);
  const shape = 1 / (cv * cv);
  for (let i = 1; i < requests; i++) {
    const gap = cv === 1 ? random.exponential() : gamma(random, shape) / shape;
    arrivalNs[i] = arrivalNs[i - 1]! + (gap * 1e9) / rate!;
  }
  return {
    count: requests,
    arrivalNs,
    prompt: new Int32Array(requests).fill(prompt),
    output: new Int32Array(requests).fill(output),
    requestClass: null,
  };
}

/** Scale 1. @param shape more than 0 @see Marsaglia and Tsang, ACM TOMS 26(3), 2000; their boost below shape 1 */
export function gamma(random: Random, shape: number): number {
  if (shape < 1) return gamma(random, shape + 1) * (1 - random.next()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.next()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** In order of recognition; a new format is a file here and a line below. */
const ARRIVAL_FORMATS: readonly ArrivalFormat[] = [azure, mooncake, vidur, llmservingsim, generic];

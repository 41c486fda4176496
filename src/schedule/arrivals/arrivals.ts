import { UserError } from '../../base/errors.js';
import { newSha256 } from '../../base/host/hash.js';

/** Arrivals and lengths of requests, in columns of 16 bytes a request. */
export interface Arrivals {
  readonly count: number;
  /** ns since the first arrival, ascending; length `count`. */
  readonly arrivalNs: Float64Array;
  /** Prompt and generated tokens; length `count`. */
  readonly prompt: Int32Array;
  readonly output: Int32Array;
  /** Class of each request, empty: none; null: no request has a class. */
  readonly requestClass: readonly string[] | null;
}

/** All gaps, to a mean rate (requests/s). @throws UserError if all arrive at once */
export function atRate(arrivals: Arrivals, rate: number): Arrivals {
  const { arrivalNs, count } = arrivals;
  const lastNs = arrivalNs[count - 1]!;
  if (count === 1) return arrivals;
  if (lastNs === 0) throw new UserError('workload.rate: all requests arrive at once, so there is no rate to change; leave it out');
  const factor = ((count - 1) * 1e9) / rate / lastNs;
  return { ...arrivals, arrivalNs: arrivalNs.map((ns) => ns * factor) };
}

/** SHA-256 of times and lengths, hex, independent of the source. */
export function arrivalsDigest({ arrivalNs, output, prompt, requestClass }: Arrivals): string {
  const hash = newSha256();
  for (const { buffer, byteLength, byteOffset } of [arrivalNs, prompt, output]) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.update(JSON.stringify(requestClass)).digest('hex');
}

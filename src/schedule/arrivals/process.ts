// Arrivals that are drawn: a Poisson process, or one whose gaps are gamma distributed, which is how burstiness is usually given (by
// the coefficient of variation of the gaps: 1 is Poisson, above it arrivals come in bursts).
import { UserError } from '../../base/errors.js';
import type { Parameters, ParameterTable } from '../../base/parameters.js';
import { Random } from '../../base/random.js';
import type { Arrivals } from './arrivals.js';

const RATE = { default: 0, description: 'requests per second', min: 0 };

/** Parameters of each process. */
export const PROCESSES: Readonly<Record<string, ParameterTable>> = {
  poisson: { rate: RATE },
  gamma: { rate: RATE, cv: { default: 1, description: 'coefficient of variation of the gaps', min: 0.01, max: 100 } },
};

/** Default number of drawn requests. */
const REQUESTS = 100;

/**
 * Draws arrivals of equal lengths; the first arrives at 0.
 * @param name a key of {@link PROCESSES}
 * @param parameters checked ones
 * @throws UserError without a rate
 */
export function drawArrivals(
  name: string,
  parameters: Parameters,
  { output, prompt, requests = REQUESTS }: { readonly output: number; readonly prompt: number; readonly requests?: number | undefined },
  seed: number,
): Arrivals {
  const { cv = 1, rate } = parameters as Record<string, number>;
  if (!(rate! > 0)) throw new UserError(`workload ${name}: needs a rate of more than 0 requests per second, e.g. ${name}:rate=2`);
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

/**
 * A gamma draw of scale 1.
 * @param shape more than 0
 * @see Marsaglia and Tsang, A simple method for generating gamma variables, ACM TOMS 26(3), 2000; below shape 1 with their boost
 */
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

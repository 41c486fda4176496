// A natural logarithm by table. Counts become log-odds millions of times a run, where three digits are plenty and Math.log is not cheap.

/** Steps of the mantissa; the error stays below 1 / STEPS. */
const STEPS = 4096;

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** ln of the middle of each step of [1, 2). */
const MANTISSA = Float64Array.from({ length: STEPS }, (_, step) => Math.log(1 + (step + 0.5) / STEPS));

/**
 * ln(x) to within 2^-13.
 * @param x positive, normal in single precision
 */
export function fastLog(x: number): number {
  float[0] = x;
  const word = bits[0]!;
  return ((word >> 23) - 127) * Math.LN2 + MANTISSA[(word >>> 11) & (STEPS - 1)]!;
}

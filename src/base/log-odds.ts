/** Steps of the mantissa; the error stays below 1 / STEPS. */
const STEPS = 4096;

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

const MANTISSA = Float64Array.from({ length: STEPS }, (_, step) => Math.log(1 + (step + 0.5) / STEPS));

/** ln(x) to within 2^-13. @param x positive, normal in single precision */
export function fastLog(x: number): number {
  float[0] = x;
  const word = bits[0]!;
  return ((word >> 23) - 127) * Math.LN2 + MANTISSA[(word >>> 11) & (STEPS - 1)]!;
}

/** Largest log-odds of the table; beyond, the logistic function is within 1.2e-7 of 0 or 1. */
const RANGE = 16;
/** Steps of the table per unit of log-odds. */
const PER_UNIT = 128;
const TABLE = Float32Array.from({ length: 2 * RANGE * PER_UNIT }, (_, i) => 1 / (1 + Math.exp(RANGE - (i + 0.5) / PER_UNIT)));
const LAST = TABLE.length - 1;

/** Lookup table of {@link sigmoid}: `table[(logit + range) x perUnit]`, rounded down and clamped. */
export const LOGISTIC = { range: RANGE, perUnit: PER_UNIT, table: TABLE };

/** 1 / (1 + exp(-logit)), to within 0.001. */
export function sigmoid(logit: number): number {
  const step = (logit + RANGE) * PER_UNIT;
  return TABLE[step <= 0 ? 0 : step >= LAST ? LAST : step | 0]!;
}

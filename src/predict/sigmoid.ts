// The logistic function from a table: a prediction needs it for every expert of every layer.

/** Steps of 1 / PER_UNIT over [-RANGE, RANGE); beyond, the function is as good as 0 or 1. */
const RANGE = 16;
const PER_UNIT = 128;
const TABLE = Float32Array.from({ length: 2 * RANGE * PER_UNIT }, (_, i) => 1 / (1 + Math.exp(RANGE - (i + 0.5) / PER_UNIT)));
const LAST = TABLE.length - 1;

/** 1 / (1 + exp(-logit)), to within 0.001. */
export function sigmoid(logit: number): number {
  const step = (logit + RANGE) * PER_UNIT;
  return TABLE[step <= 0 ? 0 : step >= LAST ? LAST : step | 0]!;
}

/** Greatest common divisor by Euclid's algorithm; `a` if `b` is 0. */
export const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

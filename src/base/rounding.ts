/** A figure to twelve digits: powers, logarithms and exponentials differ in last bits, so they are rounded for Node and browsers alike. */
export const twelveDigits = (value: number): number => Number(value.toPrecision(12));

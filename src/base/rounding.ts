/** Rounds to twelve digits, since powers, logarithms and exponentials differ between Node and browsers. */
export const twelveDigits = (value: number): number => Number(value.toPrecision(12));

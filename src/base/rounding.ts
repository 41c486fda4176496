// Figures that are the same in every engine of JavaScript.

/**
 * A figure to twelve digits. Products and sums are exact to their last bit everywhere, powers, logarithms and exponentials are not: what comes
 * of them is rounded where it enters a model of time or a band, so that a browser prints what Node prints.
 */
export const twelveDigits = (value: number): number => Number(value.toPrecision(12));

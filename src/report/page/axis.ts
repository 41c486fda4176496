/** A mark on an axis: `at` is 0 to 1. */
export interface Tick {
  readonly at: number;
  readonly label: string;
}

/** A scale with marks. */
export interface Axis {
  /** Position, 0 to 1. */
  at(value: number): number;
  readonly ticks: readonly Tick[];
}

/** Minimum ratio of a logarithmic axis; ours. */
const LOGARITHMIC = 10;

/** At least `rough`: 1, 2, 2.5 or 5 times a power of ten. */
function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999999) ?? 10);
}

/** Round marks between 0 and `most`: at most `count` steps. */
export function roundTicks(most: number, count: number, format: (value: number) => string): Tick[] {
  return linearAxis(0, most, count, format).ticks as Tick[];
}

function linearAxis(from: number, to: number, count: number, format: (value: number) => string): Axis {
  if (!(to > from)) return { at: () => 0, ticks: [{ at: 0, label: format(from) }] };
  const step = roundStep((to - from) / count);
  const at = (value: number): number => (value - from) / (to - from);
  const ticks: Tick[] = [];
  for (let k = Math.ceil((from / step) * 0.9999); k * step <= to + step * 1e-4; k++)
    ticks.push({ at: at(k * step), label: format(k * step) });
  return { at, ticks };
}

/** Axis from `least` > 0 to `most`: linear from a round value, or logarithmic for a wide range. */
export function spanAxis(least: number, most: number, count: number, format: (value: number) => string): Axis {
  if (!(least > 0) || most / least < LOGARITHMIC) {
    const step = roundStep(Math.max(most - least, most * 0.05) / count);
    const from = Math.max(0, Math.floor(least / step - 1e-9) * step);
    return linearAxis(from, Math.max(Math.ceil(most / step - 1e-9) * step, from + step), count, format);
  }
  const [from, to] = [Math.log10(least), Math.log10(most)];
  const at = (value: number): number => (Math.log10(value) - from) / (to - from);
  const wide = to - from > 2;
  const ticks: Tick[] = [];
  for (let power = Math.floor(from); power <= to; power++) {
    for (const factor of wide ? [1] : [1, 2, 5]) {
      const value = factor * 10 ** power;
      if (value >= least * 0.9999 && value <= most * 1.0001) ticks.push({ at: at(value), label: format(value) });
    }
  }
  return { at, ticks };
}

/** Marks of a share. */
export const SHARE_TICKS: readonly Tick[] = [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, label: `${at * 100} %` }));

/** Marks at round layer numbers, in the middle of columns. */
export function layerTicks(count: number): Tick[] {
  const step = Math.max(1, [1, 2, 4, 5, 8, 10, 16, 20, 40].find((size) => count / size <= 8) ?? Math.ceil(count / 8));
  return Array.from({ length: Math.ceil(count / step) }, (_, k) => ({ at: (k * step + 0.5) / count, label: String(k * step) }));
}

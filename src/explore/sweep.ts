// Many runs that differ in a few values, and where more arrivals no longer get more done. Pure functions; running is the caller's.
import { UserError } from '../base/errors.js';
import { formatNumber, formatRatio, formatTokensPerSecond } from '../base/units.js';
import type { Result } from '../result/result.js';
import { VERSION } from '../result/version.js';

/** Version tag of the format. Additions keep it; a change of meaning raises it. */
export const SWEEP_SCHEMA = 'moeprof.sweep/1';

/** Path of the value that a rate sweep varies. */
export const RATE_PATH = 'workload.rate';

/** What a value of a run may be varied to. */
export type SweepValue = string | number | boolean;

/** A value of the run that is varied. */
export interface Axis {
  /** As in `--set path=value`. */
  readonly path: string;
  readonly values: readonly SweepValue[];
}

/** One run of a sweep. */
export interface SweepPoint {
  /** One value per axis, in the order of the axes. */
  readonly values: readonly SweepValue[];
  readonly result: Result;
}

/** How runs that differ in their rate alone bear more arrivals. */
export interface Saturation {
  /** Values of the other axes, in their order. */
  readonly values: readonly SweepValue[];
  /** Least rate of the sweep from which on hardly more gets through, requests/s; null: more got through at every rate. */
  readonly rate: number | null;
  /** Most requests and tokens that got through per second. */
  readonly requestsPerSecond: number;
  readonly tokensPerSecond: number;
  /** Rate of the most goodput, and what it was there; null where no objective was given. */
  readonly goodput: { readonly rate: number; readonly tokensPerSecond: number; readonly attained: number } | null;
}

/** A finished sweep: the public format `moeprof.sweep/1`. */
export interface Sweep {
  readonly schema: typeof SWEEP_SCHEMA;
  readonly tool: { readonly name: 'moeprof'; readonly version: string };
  readonly axes: readonly Axis[];
  /** In the order of the axes' values, the last axis first to move. */
  readonly points: readonly SweepPoint[];
  /** One entry per combination of the other axes; empty where no rate is varied. */
  readonly saturation: readonly Saturation[];
}

/** Every combination of the axes' values, the last axis first to move. */
export function combinations(axes: readonly Axis[]): SweepValue[][] {
  return axes.reduce<SweepValue[][]>((all, { values }) => all.flatMap((row) => values.map((value) => [...row, value])), [[]]);
}

/** Joins axes and the results of {@link combinations}, in their order. */
export function sweepOf(axes: readonly Axis[], results: readonly Result[]): Sweep {
  const points = combinations(axes).map((values, i) => ({ values, result: results[i]! }));
  return { schema: SWEEP_SCHEMA, tool: { name: 'moeprof', version: VERSION }, axes, points, saturation: saturationsOf(axes, points) };
}

/** Requests that were served per second of the run. */
export function servedPerSecond({ metrics }: Result): number {
  return (metrics['workload.requests']!.value * 1e9) / metrics['time.total']!.value;
}

const ROUND = 3;
const STEPS = 8;

/**
 * Rates around saturation: {@link STEPS} of them, each as much above the one before, from a quarter of what the slowest run can serve to twice
 * of what the fastest can.
 * @param served requests per second of runs in which all requests arrive at once
 */
export function ratesAround(served: readonly number[]): number[] {
  const low = Math.min(...served) / 4;
  const high = Math.max(...served) * 2;
  return Array.from({ length: STEPS }, (_, k) => Number((low * (high / low) ** (k / (STEPS - 1))).toPrecision(ROUND)));
}

function saturationsOf(axes: readonly Axis[], points: readonly SweepPoint[]): Saturation[] {
  const at = axes.findIndex(({ path }) => path === RATE_PATH);
  if (at < 0) return [];
  return combinations(axes.toSpliced(at, 1)).map((values) => {
    const same = points.filter((point) => JSON.stringify(point.values.toSpliced(at, 1)) === JSON.stringify(values));
    return saturationOf(
      values,
      same.map(({ result, values: own }) => ({ rate: Number(own[at]), result })),
    );
  });
}

/**
 * Saturation: the least rate beyond which throughput grows by no more than a tenth of what the rate grows by, and by no more than 5 %.
 * Below it, throughput follows the rate but for the time in which the last requests end, which gets longer, not shorter.
 */
function saturationOf(values: readonly SweepValue[], given: readonly { rate: number; result: Result }[]): Saturation {
  const runs = [...given].sort((a, b) => a.rate - b.rate);
  const tokens = runs.map(({ result }) => result.metrics['throughput.total']!.value);
  const flat = (from: number, to: number): boolean =>
    tokens[to]! <= tokens[from]! * (1 + Math.min(0.05, 0.1 * (runs[to]!.rate / runs[from]!.rate - 1)));
  const from = runs.findIndex((_, i) => i + 1 < runs.length && runs.every((_, j) => j <= i || flat(i, j)));
  let goodput: Saturation['goodput'] = null;
  for (const { rate, result } of runs) {
    const most = result.metrics['goodput.tokens']?.value;
    if (most === undefined || (goodput !== null && most <= goodput.tokensPerSecond)) continue;
    goodput = { rate, tokensPerSecond: most, attained: result.metrics['goodput.attained']!.value };
  }
  return {
    values,
    rate: from < 0 ? null : runs[from]!.rate,
    requestsPerSecond: Math.max(...runs.map(({ result }) => servedPerSecond(result))),
    tokensPerSecond: Math.max(...tokens),
    goodput,
  };
}

/** Saturation in words, one or two sentences. */
export function saturationSentence({ goodput, rate, requestsPerSecond, tokensPerSecond }: Saturation): string {
  const through = `${formatTokensPerSecond(tokensPerSecond)}, ${formatNumber(requestsPerSecond, 3)} requests/s`;
  const saturated =
    rate === null
      ? `Not saturated: more got through at every rate, ${through} at most; sweep higher rates.`
      : `Saturated from ${rate} requests/s on: no more than ${through} get through.`;
  if (goodput === null) return saturated;
  const good = formatTokensPerSecond(goodput.tokensPerSecond);
  return `${saturated} Most goodput at ${goodput.rate} requests/s: ${good}, ${formatRatio(goodput.attained)} of the requests in time.`;
}

/**
 * Checks that no path is varied twice, and no value stands twice.
 * @throws UserError
 */
export function checkAxes(axes: readonly Axis[]): void {
  for (const [i, { path, values }] of axes.entries()) {
    if (axes.findIndex((axis) => axis.path === path) < i)
      throw new UserError(`--vary ${path}: is varied twice; give all its values at once`);
    const twice = values.find((value, at) => values.indexOf(value) < at);
    if (twice !== undefined) throw new UserError(`--vary ${path}: ${String(twice)} stands twice`);
  }
}

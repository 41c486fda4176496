import { UserError } from '../../base/errors.js';
import { LIMITS, Meter } from '../../base/meter.js';
import { formatRatio, formatTokensPerSecond } from '../../base/units.js';
import type { Outcome, SweepValue } from '../../figure/door.js';
import { metricValue } from '../../result/catalogue.js';
import type { Result } from '../../result/result.js';
import { type Tagged, tagged } from '../../result/version.js';

/** Format version. Additions keep the version; a changed meaning raises the version. */
const SWEEP_SCHEMA = 'moeprof.sweep/1';

/** Path varied by a rate sweep. */
export const RATE_PATH = 'workload.rate';

/** A varied value of the run. */
export interface SweepAxis {
  /** As in `--set path=value`. */
  readonly path: string;
  readonly values: readonly SweepValue[];
}

/** A run of a sweep. */
export interface SweepPoint {
  /** Values in axis order. */
  readonly values: readonly SweepValue[];
  readonly result: Result;
}

/** Saturation of runs that differ only in rate. */
export interface Saturation {
  /** Values of the remaining axes, in order. */
  readonly values: readonly SweepValue[];
  /** Throughput with all requests at once: higher rates only lengthen waits. */
  readonly requestsPerSecond: number;
  /** Prompt and generated tokens: `throughput.total`. */
  readonly tokensPerSecond: number;
  /** Least rate, requests/s, with 95 % of `requestsPerSecond`; null: not reached. */
  readonly rate: number | null;
  /** Largest `goodput.tokens` with its rate; null: no objective. */
  readonly goodput: { readonly rate: number; readonly tokensPerSecond: number; readonly attained: number } | null;
}

/** A finished sweep: public format `moeprof.sweep/1`. */
export interface Sweep extends Tagged<typeof SWEEP_SCHEMA> {
  readonly axes: readonly SweepAxis[];
  /** In axis order, last axis fastest. */
  readonly points: readonly SweepPoint[];
  /** Impossible combinations; absent: all ran. */
  readonly refused?: readonly { readonly values: readonly SweepValue[]; readonly reason: string }[];
  /** Empty if no rate varies. */
  readonly saturation: readonly Saturation[];
}

/** Combinations of axis values, last axis fastest. @throws UserError for too many */
export function combinations(axes: readonly SweepAxis[]): SweepValue[][] {
  new Meter('sweep', LIMITS.cells).spent(axes.reduce((all, { values }) => all * values.length, 1));
  return axes.reduce<SweepValue[][]>((all, { values }) => all.flatMap((row) => values.map((value) => [...row, value])), [[]]);
}

/** @param outcomes in order of {@link combinations} @param atOnce runs with all requests at once */
export function sweepOf(axes: readonly SweepAxis[], outcomes: readonly Outcome[], atOnce: readonly Outcome[]): Sweep {
  const cells = combinations(axes);
  const points = cells.flatMap((values, i) => resultsIn([outcomes[i]!]).map((result) => ({ values, result })));
  const refused = cells.flatMap((values, i) => ('reason' in outcomes[i]! ? [{ values, reason: outcomes[i].reason }] : []));
  const saturation = atOnce.length === 0 ? [] : saturationsOf(axes, points, atOnce);
  return { ...tagged(SWEEP_SCHEMA), axes, points, ...(refused.length === 0 ? {} : { refused }), saturation };
}

/** Results among outcomes. */
export const resultsIn = (outcomes: readonly Outcome[]): Result[] =>
  outcomes.flatMap((outcome) => (outcome.status === 'done' ? [outcome.result] : []));

/** Requests served per second of the run. */
export const servedPerSecond = (result: Result): number =>
  (metricValue(result, 'workload.requests')! * 1e9) / metricValue(result, 'time.total')!;

/** Share of full throughput that counts as saturated; ours. */
const SATURATED = 0.95;

/** Number of automatic rates; ours. */
const STEPS = 8;

/** {@link STEPS} rates from a quarter of the slowest to four times the fastest. @param served requests/s at once */
export function ratesAround(served: readonly number[]): number[] {
  const low = Math.min(...served) / 4;
  const high = Math.max(...served) * 4;
  return Array.from({ length: STEPS }, (_, k) => Number((low * (high / low) ** (k / (STEPS - 1))).toPrecision(3)));
}

function saturationsOf(axes: readonly SweepAxis[], points: readonly SweepPoint[], atOnce: readonly Outcome[]): Saturation[] {
  const at = axes.findIndex(({ path }) => path === RATE_PATH);
  return combinations(axes.toSpliced(at, 1)).flatMap((values, i): Saturation[] => {
    const [together] = resultsIn([atOnce[i]!]);
    if (together === undefined) return [];
    const same = points.filter((point) => JSON.stringify(point.values.toSpliced(at, 1)) === JSON.stringify(values));
    const runs = same.map(({ result, values: coordinates }) => ({ rate: Number(coordinates[at]), result })).sort((a, b) => a.rate - b.rate);
    const tokensPerSecond = tokensThrough(together);
    const rate = runs.find(({ result }) => tokensThrough(result) >= SATURATED * tokensPerSecond)?.rate ?? null;
    return [{ values, requestsPerSecond: servedPerSecond(together), tokensPerSecond, rate, goodput: mostGoodput(runs) }];
  });
}

const tokensThrough = (result: Result): number => metricValue(result, 'throughput.total')!;

function mostGoodput(runs: readonly { rate: number; result: Result }[]): Saturation['goodput'] {
  let most: Saturation['goodput'] = null;
  for (const { rate, result } of runs) {
    const tokensPerSecond = metricValue(result, 'goodput.tokens');
    if (tokensPerSecond === null || (most !== null && tokensPerSecond <= most.tokensPerSecond)) continue;
    most = { rate, tokensPerSecond, attained: metricValue(result, 'goodput.attained')! };
  }
  return most;
}

/** Saturation in one or two sentences. */
export function saturationSentence({ goodput, rate, requestsPerSecond, tokensPerSecond }: Saturation): string {
  const most = `Serves ${Number(requestsPerSecond.toPrecision(3))} requests/s (${formatTokensPerSecond(tokensPerSecond)} with prompts) at most`;
  const where = rate === null ? 'not saturated at these rates' : `saturated from ${rate} requests/s on`;
  if (goodput === null) return `${most}; ${where}.`;
  const good = `${formatTokensPerSecond(goodput.tokensPerSecond)} generated, ${formatRatio(goodput.attained)} of the requests in time`;
  return `${most}; ${where}. Most goodput at ${goodput.rate} requests/s: ${good}.`;
}

/** @throws UserError for a path or a value given twice */
export function checkAxes(axes: readonly SweepAxis[]): void {
  for (const [i, { path, values }] of axes.entries()) {
    if (axes.findIndex((axis) => axis.path === path) < i)
      throw new UserError(`--vary ${path}: is varied twice; give all its values at once`);
    const twice = values.find((value, at) => values.indexOf(value) < at);
    if (twice !== undefined) throw new UserError(`--vary ${path}: ${String(twice)} stands twice`);
  }
}

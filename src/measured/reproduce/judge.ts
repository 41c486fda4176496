// Own figures beside published ones: the error, and whether the direction is the same.
import { UserError } from '../../base/errors.js';
import { METRICS } from '../../result/catalogue.js';
import type { Figures } from './figures.js';
import { type Claim, runsOf } from './reproduction.js';

/** A claim, judged. */
export interface JudgedClaim {
  readonly says: string;
  readonly kind: 'value' | 'ratio' | 'order';
  readonly metric: string;
  readonly runs: readonly string[];
  /** The published value or ratio; null for an order. */
  readonly published: number | null;
  readonly moeprof: number | null;
  /** Relative to the published figure; of an order, the share of swapped pairs. */
  readonly error: number;
  /** The runs of an order by our figures, best first. */
  readonly comesOut: readonly string[] | null;
  /** Null: it has no direction. */
  readonly met: boolean | null;
  readonly why: string | null;
  readonly source: string | null;
}

/**
 * Judges a claim.
 * @param figuresOf the figures of a run
 * @throws UserError where a figure of the file is missing, or a ratio has nothing to divide by
 */
export function judgeClaim(claim: Claim, figuresOf: (run: string) => Figures): JudgedClaim {
  const { metric, says, source = null, why = null } = claim;
  const common = { says, metric, runs: runsOf(claim), why, source };
  const figure = (run: string): number => known(figuresOf(run).of(metric), `${says}: ${run} has no ${metric}`);
  const measured = (run: string): number => known(figuresOf(run).measured(metric), `${says}: nothing is published of ${run}`);
  if ('order' in claim) {
    const best = METRICS.get(metric)!.better === 'lower' ? 1 : -1;
    const values = claim.order.map(figure);
    const pairs = claim.order.flatMap((_, a) => claim.order.slice(a + 1).map((_, b) => [values[a]!, values[a + 1 + b]!] as const));
    const reversed = pairs.filter(([before, after]) => best * (before - after) > 0).length;
    const comesOut = [...claim.order].sort((a, b) => best * (figure(a) - figure(b)));
    return { ...common, kind: 'order', published: null, moeprof: null, error: reversed / pairs.length, comesOut, met: reversed === 0 };
  }
  if ('ratio' in claim) {
    const [of, to] = claim.ratio;
    const published = claim.published ?? measured(of) / measured(to);
    const moeprof = figure(of) / figure(to);
    if (!Number.isFinite(moeprof)) throw new UserError(`${says}: ${to} has ${metric} 0, so that there is no ratio`);
    const met = claim.atLeast !== undefined ? moeprof >= claim.atLeast : published > 1 ? moeprof > 1 : moeprof < 1;
    return { ...common, kind: 'ratio', published, moeprof, error: moeprof / published - 1, comesOut: null, met };
  }
  const published = claim.published ?? measured(claim.value);
  const moeprof = figure(claim.value);
  const error = moeprof / published - 1;
  const met = claim.within === undefined ? null : Math.abs(error) <= claim.within;
  return { ...common, kind: 'value', published, moeprof, error, comesOut: null, met };
}

function known(value: number | null, missing: string): number {
  if (value === null) throw new UserError(missing);
  return value;
}

import { UserError } from '../../base/errors.js';
import { METRICS } from '../../result/catalogue.js';
import type { ComparedRun, Figures } from './compared-run.js';
import { Done, type GainFactors, gainOf } from './gain.js';
import { type Claim, runsOf } from './reproduction.js';
import { type ClaimVerdict, fallsShort, gainShare, type ShortOf, verdictOfOrder, verdictOfRatio, verdictOfValue } from './verdict.js';

/** A judged claim. */
export interface JudgedClaim {
  readonly says: string;
  readonly kind: 'value' | 'ratio' | 'order';
  readonly metric: string;
  readonly runs: readonly string[];
  readonly runtime: string;
  /** Published value or ratio; null for an order. */
  readonly published: number | null;
  readonly moeprof: number | null;
  /** Relative to the published figure; for an order, the share of swapped pairs. */
  readonly error: number;
  /** Runs of an order by moeprof's figures, best first. */
  readonly comesOut: readonly string[] | null;
  readonly gain: GainFactors | null;
  /** Share of the published gain, in logarithms; null: no ratio. */
  readonly share: number | null;
  /** Best schedule found in the engine; null: unknown. */
  readonly best: number | null;
  /** Bound of the machine under any engine; null: not needed, or not proven. */
  readonly floor: number | null;
  readonly verdict: ClaimVerdict;
  readonly expected: ClaimVerdict;
  readonly why: string | null;
  readonly source: string | null;
}

interface Asked {
  readonly metric: string;
  readonly published: number;
  readonly to: number;
  readonly lower: boolean;
}

interface Limits extends Pick<JudgedClaim, 'best' | 'floor'> {
  readonly short: ShortOf | null;
}

/** Ratios and orders use the first run's runtime: fitted constants agree (L26). */
export class ClaimJudge {
  readonly #place: string;
  readonly #sides: ReadonlyMap<string, ComparedRun>;
  readonly #done: Done;

  /** @param place of the file, for messages @param sides by name */
  constructor(place: string, sides: ReadonlyMap<string, ComparedRun>) {
    this.#place = place;
    this.#sides = sides;
    this.#done = new Done(sides);
  }

  /** @throws UserError for an impossible run, a missing figure, or a zero divisor */
  async judge(claim: Claim): Promise<JudgedClaim> {
    const { metric, says, source = null, why = null } = claim;
    const place = `${this.#place}: ${says}`;
    const lower = METRICS.get(metric)!.better === 'lower';
    const runs = runsOf(claim);
    const { runtime } = this.#sides.get(runs[0]!)!;
    const common = { says, metric, runs, runtime, gain: null, share: null, best: null, floor: null, comesOut: null, why, source };
    const figures = await Promise.all(runs.map((run, i) => this.#figures(run, runtime, i === 0 && !('order' in claim))));
    const figure = (i: number): number => known(figures[i]!.of(metric), `${place}: ${runs[i]} has no ${metric}`);
    const measured = (i: number): number => known(figures[i]!.measured(metric), `${place}: nothing is published of ${runs[i]}`);
    if ('order' in claim) {
      const values = runs.map((_, i) => figure(i));
      const { pairs, swapped, verdict } = verdictOfOrder(values, lower);
      const best = lower ? 1 : -1;
      const comesOut = [...runs].sort((a, b) => best * (values[runs.indexOf(a)]! - values[runs.indexOf(b)]!));
      const order = { kind: 'order', published: null, moeprof: null, error: swapped / pairs, comesOut, verdict } as const;
      return { ...common, ...order, expected: claim.verdict ?? 'side' };
    }
    const limits = (published: number, to: number): Promise<Limits> =>
      this.#limits(runs[0]!, figures[0]!, { metric, published, to, lower });
    if ('value' in claim) {
      const published = claim.published ?? measured(0);
      const moeprof = figure(0);
      const { short, ...best } = await limits(published, 1);
      const value = { kind: 'value', published, moeprof, ...best, error: moeprof / published - 1 } as const;
      return { ...common, ...value, verdict: verdictOfValue({ ...value, short }), expected: claim.verdict ?? 'other' };
    }
    const [of, to] = [figure(0), figure(1)];
    const published = claim.published ?? measured(0) / measured(1);
    if (!Number.isFinite(of / to)) throw new UserError(`${place}: ${runs[1]} has ${metric} 0, so that there is no ratio`);
    const { short, ...best } = await limits(published, to);
    const ratio = { kind: 'ratio', published, moeprof: of / to, ...best, error: of / to / published - 1 } as const;
    const verdict = verdictOfRatio({ ...ratio, short });
    const sides = [this.#sides.get(runs[0]!)!, this.#sides.get(runs[1]!)!] as const;
    const gain = await gainOf(sides, this.#done, (figures) => figures.of(metric) ?? Number.NaN, [of, to]);
    return { ...common, ...ratio, gain, share: gainShare(ratio), verdict, expected: claim.verdict ?? 'side' };
  }

  /** Limits of a claim. The machine's floor is computed only if the engine falls short. */
  async #limits(run: string, figures: Figures, { lower, metric, published, to }: Asked): Promise<Limits> {
    const found = figures.at('found', metric);
    const best = found === null ? null : found / to;
    if (!fallsShort(best, published, lower)) return { best, floor: null, short: null };
    const proven = (await this.#figures(run, 'ideal', true)).at('floor', metric);
    const floor = proven === null ? null : proven / to;
    return { best, floor, short: fallsShort(floor, published, lower) ? 'impossible' : 'engine' };
  }

  #figures(run: string, runtime: string, bounds: boolean): Promise<Figures> {
    return this.#done.figures(this.#sides.get(run)!, runtime, undefined, bounds);
  }
}

function known(value: number | null, missing: string): number {
  if (value === null) throw new UserError(missing);
  return value;
}

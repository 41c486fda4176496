// Each machine's figures, predicted after some of its own rows.

import { groupedBy } from '../../base/objects.js';
import { mean, sharedVotes, votedMean, votedPercentile } from '../../base/statistics.js';
import type { WorkWatch } from '../../base/work-watch.js';
import {
  expectedSteps,
  FOUR_OF_FIVE,
  KNOBS,
  type PredictedFigure,
  posteriorCovariance,
  ratioBand,
  type SpeedKind,
  type TaughtFigure,
} from '../../hardware/door.js';
import { runtimesFor } from './constants.js';
import { fittedFactors, SHEET_PARTS, type SheetTimes, sheetTime, sheetTimes } from './roofline.js';
import type { Measurement } from './rows/measurement.js';
import { figuresOf } from './rows/specify.js';
import { taughtFigures } from './taught.js';

/** Predictors: moeprof, a roofline of three constants, and the same with reads of the KV cache. */
export const OWN_PREDICTORS = ['moeprof', 'roofline', 'roofline and KV'] as const;
type Predictor = (typeof OWN_PREDICTORS)[number];

/** Errors after some own rows, one vote per machine. */
export interface OwnErrors {
  readonly predictor: Predictor;
  /** Rows of the machine that taught. */
  readonly own: number;
  readonly kind: SpeedKind;
  readonly machines: number;
  readonly median: number;
  readonly p90: number;
  /** Mean of the absolute logarithm of predicted / measured. */
  readonly log: number;
  /** Share within the band of 80 %, and half its width, as a share; in the median. */
  readonly coverage: number;
  readonly width: number;
  /** Share of ratios of two other rows of one model and runtime within 5, 10 and 20 %. */
  readonly ratios: readonly [number, number, number];
  /** Share of the pairs with a known sign whose band of the ratio does not hold 1, and share of these that have it right. */
  readonly sure: number;
  readonly right: number;
}

/** A figure of a machine under a predictor. */
interface OwnFigure extends TaughtFigure {
  readonly id: string;
  readonly machine: string;
  readonly measured: number;
  readonly times: Readonly<Record<'roofline' | 'roofline and KV', SheetTimes>>;
}

/** Placements of fixed experts. */
const FIXED = ['cpu-layers', 'cpu-share', 'all-gpu', 'all-cpu'];
/** Folds of machines for constants of the roofline; ours. */
const FOLDS = 5;
/** Least ratio of two measured speeds that has a sign: repeated runs differ by less. Ours. */
const KNOWN = 1.05;
/** Own rows at most. */
export const MOST_OWN = 3;

/** Errors by predictor, number of own rows and speed. @param counts rows of a machine that teach */
export async function ownErrors(
  rows: readonly Measurement[],
  counts: readonly number[],
  threads: number,
  watch: WorkWatch = {},
): Promise<OwnErrors[]> {
  const figures = await figuresOfRows(rows, threads, watch);
  return OWN_PREDICTORS.flatMap((predictor) => {
    const machines = [...groupedBy(predictor === 'moeprof' ? figures : asRoofline(figures, predictor), ({ machine }) => machine).values()];
    const kinds = predictor === 'roofline and KV' ? (['decode'] as const) : (['decode', 'prefill'] as const);
    return counts.flatMap((count) => {
      const all = machines.flatMap((of) => judgedFigures(of, count));
      return kinds.flatMap((kind): OwnErrors[] => {
        const judged = all.filter((figure) => figure.kind === kind);
        return judged.length === 0 ? [] : [{ predictor, own: count, kind, ...statistics(judged) }];
      });
    });
  });
}

async function figuresOfRows(rows: readonly Measurement[], threads: number, watch: WorkWatch): Promise<OwnFigure[]> {
  const scored = (row: Measurement): SpeedKind[] =>
    figuresOf(row).flatMap(({ metric, unscored }) => (unscored === null && metric !== 'hit_rate' ? [metric] : []));
  const used = rows.filter((row) => FIXED.includes(row.placement.kind) && scored(row).length > 0);
  const taught = await taughtFigures(used, runtimesFor(used), threads, watch);
  return used.flatMap((row, i) =>
    taught[i]!.filter(({ kind }) => scored(row).includes(kind)).flatMap((figure): OwnFigure[] => {
      const [roofline, kv] = [false, true].map((reads) => sheetTimes(row, figure.kind, reads));
      const measured = 1e9 / (figure.kind === 'decode' ? row.measured.tg_tps! : row.measured.pp_tps!);
      if (roofline === null || kv === null) return [];
      return [{ ...figure, id: row.id, machine: row.machine.name, measured, times: { roofline: roofline!, 'roofline and KV': kv! } }];
    }),
  );
}

/** Figures with constants of the other folds of machines. */
function asRoofline(figures: readonly OwnFigure[], predictor: 'roofline' | 'roofline and KV'): OwnFigure[] {
  const names = [...new Set(figures.map(({ machine }) => machine))].sort();
  const foldOf = ({ machine }: OwnFigure): number => names.indexOf(machine) % FOLDS;
  return (['decode', 'prefill'] as const).flatMap((kind) => {
    const ofKind = figures.filter((figure) => figure.kind === kind);
    return Array.from({ length: FOLDS }, (_, fold) => {
      const others = ofKind.filter((figure) => foldOf(figure) !== fold);
      const counts = groupedBy(others, ({ machine }) => machine);
      const factors = fittedFactors(
        others.map(({ machine, measured, times }) => ({ times: times[predictor], measured, weight: counts.get(machine)!.length ** -0.5 })),
      );
      return ofKind.filter((figure) => foldOf(figure) === fold).map((figure) => rooflineFigure(figure, figure.times[predictor], factors));
    }).flat();
  });
}

function rooflineFigure(figure: OwnFigure, times: SheetTimes, factors: readonly number[]): OwnFigure {
  const time = sheetTime(times, factors);
  const [offset] = SHEET_PARTS[figure.kind];
  const shares = KNOBS.map(({ name }) => {
    const part = SHEET_PARTS[figure.kind].indexOf(name);
    return name === offset ? 1 : part < 0 ? 0 : (times[part]! * factors[part]!) / time;
  });
  return { ...figure, shares, residual: Math.log(figure.measured / time) };
}

/** A figure with what is left of its error. */
interface Judged extends OwnFigure {
  readonly vote: string;
  /** Rows that taught. */
  readonly given: readonly TaughtFigure[];
  readonly left: number;
  /** Half the band of 80 %, a logarithm. */
  readonly half: number;
}

/** Figures after so many rows, of the speeds that these have. */
function judgedFigures(figures: readonly OwnFigure[], count: number): Judged[] {
  const rows = [...groupedBy(figures, ({ id }) => id).values()];
  if (rows.length <= count) return [];
  const given = mostInformative(rows, count).flat();
  const kinds = new Set(given.map(({ kind }) => kind));
  const rest = figures.filter((figure) => !given.includes(figure) && (count === 0 || kinds.has(figure.kind)));
  return rest.map((figure) => {
    const steps = expectedSteps(given, figure);
    const explained = figure.shares.reduce((sum, share, k) => sum + share * steps[k]!, 0);
    const sd = Math.sqrt(posteriorCovariance(given, [figure])[0]![0]!);
    return { ...figure, vote: figure.machine, given, left: figure.residual - explained, half: FOUR_OF_FIVE * sd };
  });
}

/** Rows after which the others are surest, one after another, by shares of time alone. */
function mostInformative<T extends TaughtFigure>(rows: readonly (readonly T[])[], count: number): (readonly T[])[] {
  const all = rows.flat();
  const chosen: (readonly T[])[] = [];
  const unsure = (given: readonly T[]): number => {
    const blind = given.map((figure) => ({ ...figure, residual: 0 }));
    return mean(all.map((figure) => Math.sqrt(posteriorCovariance(blind, [{ ...figure, setting: undefined }])[0]![0]!)));
  };
  while (chosen.length < count) {
    const left = rows.filter((row) => !chosen.includes(row));
    const costs = left.map((row) => unsure([...chosen, row].flat()));
    chosen.push(left[costs.indexOf(Math.min(...costs))]!);
  }
  return chosen;
}

function statistics(judged: readonly Judged[]): Omit<OwnErrors, 'predictor' | 'own' | 'kind'> {
  const votes = (value: (figure: Judged) => number) => sharedVotes(judged, value);
  const size = votes(({ left }) => Math.abs(Math.exp(left) - 1));
  const pairs = judged.flatMap((a, i) =>
    judged
      .slice(i + 1)
      .filter((b) => a.machine === b.machine && a.runtime === b.runtime && a.model === b.model)
      .map((b) => ({ a, b, vote: a.vote, apart: Math.abs(a.left - b.left) })),
  );
  const shareOf = <T extends { readonly vote: string }>(of: readonly T[], is: (pair: T) => boolean): number =>
    of.length === 0 ? Number.NaN : votedMean(sharedVotes(of, (pair) => Number(is(pair))));
  const within = (share: number): number => shareOf(pairs, ({ apart }) => apart <= Math.log(1 + share));
  const known = pairs
    .map(({ a, b, vote }) => ({ vote, measured: b.measured / a.measured, band: ratioBand(predicted(a), predicted(b), a.given) }))
    .filter(({ measured }) => Math.max(measured, 1 / measured) >= KNOWN);
  const sure = known.filter(({ band }) => band.sure);
  return {
    machines: new Set(judged.map(({ vote }) => vote)).size,
    median: votedPercentile(size, 50),
    p90: votedPercentile(size, 90),
    log: votedMean(votes(({ left }) => Math.abs(left))),
    coverage: votedMean(votes(({ half, left }) => Number(Math.abs(left) <= half))),
    width:
      Math.exp(
        votedPercentile(
          votes(({ half }) => half),
          50,
        ),
      ) - 1,
    ratios: [within(0.05), within(0.1), within(0.2)],
    sure: shareOf(known, ({ band }) => band.sure),
    right: shareOf(sure, ({ band, measured }) => band.ratio > 1 === measured > 1),
  };
}

/** A figure with the speed that its machine is expected to have. */
const predicted = (figure: Judged): PredictedFigure => ({ ...figure, speed: Math.exp(figure.left) / figure.measured });

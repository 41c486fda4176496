import { factorOf } from '../../base/linear.js';
import { Random } from '../../base/random.js';
import { type PredictedFigure, posteriorErrors, studentScale, type TaughtFigure } from '../../hardware/door.js';
import type { Speeds } from '../../runtime/door.js';

/** Relative gain that does not matter; ours. */
const CERTAIN = 0.03;
/** Draws of all speeds for the chance of a choice; ours: a standard error of 1 %. */
const DRAWS = 1000;
/** Seed of the draws; ours. */
const SEED = 1;
/** Least chance to be the fastest of a setting on the shortlist; ours. */
const LISTED = 0.02;
/** Step of a speed for the slope of a cost, a logarithm; ours. */
const STEP = 1e-3;

/** Speeds of a setting, in the order of a belief's figures. */
export const PHASES = ['decode', 'prefill'] as const;

/** Predicted speeds of a setting. */
export type TunedFigures = Readonly<Record<keyof Speeds, PredictedFigure>>;

/** What is known of all settings, costs as logarithms. */
export interface Belief {
  readonly speeds: readonly Speeds[];
  readonly costs: readonly number[];
  readonly covariance: readonly (readonly number[])[];
}

/** Cost of speeds; smaller is better. */
export type CostOf = (speeds: Speeds) => number;

/** Expected speeds, and costs with the covariance of their errors. @param taught measured speeds of the machine */
export function beliefOf(settings: readonly TunedFigures[], taught: readonly TaughtFigure[], cost: CostOf): Belief {
  const figures = settings.flatMap((setting) => PHASES.map((phase) => setting[phase]));
  const { covariance, expected } = posteriorErrors(taught, figures);
  const speed = (i: number, phase: 0 | 1): number => figures[2 * i + phase]!.speed * Math.exp(-expected[2 * i + phase]!);
  const speeds = settings.map((_, i) => ({ decode: speed(i, 0), prefill: speed(i, 1) }));
  const slopes = speeds.map((both) =>
    PHASES.map((phase) => Math.log(cost({ ...both, [phase]: both[phase] * Math.exp(STEP) }) / cost(both)) / STEP),
  );
  const of = (i: number, j: number): number =>
    [0, 1].reduce(
      (all, p) => all + [0, 1].reduce((sum, q) => sum + slopes[i]![p]! * slopes[j]![q]! * covariance[2 * i + p]![2 * j + q]!, 0),
      0,
    );
  return {
    speeds,
    costs: speeds.map((both) => Math.log(cost(both))),
    covariance: settings.map((_, i) => settings.map((_, j) => of(i, j))),
  };
}

/** Certainty of a choice among settings. */
export interface Judgement {
  /** Chance that no setting is faster by more than {@link CERTAIN}. */
  readonly chance: number;
  /** Chance of each setting to be the fastest. */
  readonly wins: readonly number[];
}

/** Judges a choice by draws of all speeds together, from Student's distribution. @param open settings that can run */
export function judged({ costs, covariance }: Belief, chosen: number, open: readonly number[]): Judgement {
  const factor = factorOf(open.map((i) => open.map((j) => covariance[i]![j]!)));
  const random = new Random(SEED, 'tune/choice');
  const wins = costs.map(() => 0);
  let beaten = 0;
  for (let draw = 0; draw < DRAWS; draw++) {
    const scale = studentScale(() => random.normal());
    const normals = open.map(() => random.normal());
    const drawn = open.map((at, i) => costs[at]! + scale * factor[i]!.reduce((sum, value, k) => sum + value * normals[k]!, 0));
    const least = Math.min(...drawn);
    wins[open[drawn.indexOf(least)]!]! += 1 / DRAWS;
    if (drawn[open.indexOf(chosen)]! > least + Math.log(1 + CERTAIN)) beaten++;
  }
  return { chance: 1 - beaten / DRAWS, wins };
}

/**
 * The setting of the shortlist whose run leaves the least expected error of the ratios to the choice, each weighed by
 * the chance to be the fastest. Null: none of them is open.
 */
export function mostInformative(
  settings: readonly TunedFigures[],
  taught: readonly TaughtFigure[],
  cost: CostOf,
  chosen: number,
  { wins }: Judgement,
  open: readonly number[],
): number | null {
  const shortlist = [chosen, ...[...wins.keys()].filter((at) => at !== chosen && wins[at]! >= LISTED)];
  const blind = taught.map((figure) => ({ ...figure, residual: 0 }));
  const left = (ran: number): number => {
    const runs = PHASES.map((phase) => ({ ...settings[ran]![phase], residual: 0 }));
    const { covariance } = beliefOf(
      shortlist.map((at) => settings[at]!),
      [...blind, ...runs],
      cost,
    );
    const ofRatio = (i: number): number => Math.sqrt(Math.max(0, covariance[0]![0]! + covariance[i]![i]! - 2 * covariance[0]![i]!));
    return shortlist.reduce((sum, at, i) => sum + (at === chosen ? 0 : wins[at]! * ofRatio(i)), 0);
  };
  const listed = shortlist.filter((at) => open.includes(at));
  const errors = listed.map(left);
  return listed[errors.indexOf(Math.min(...errors))] ?? null;
}

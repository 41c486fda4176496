import type { Random } from '../../base/random.js';
import type { GaussianProcess, Posterior } from './gaussian-process.js';

/** Candidates for a batch. */
export interface Chooser {
  readonly cells: readonly number[];
  /** By cell: chance to run and keep all limits. */
  readonly feasible: readonly number[];
  readonly objectives: readonly {
    readonly posteriors: readonly Posterior[];
    /** Null: figures are known beforehand. */
    readonly process: GaussianProcess | null;
    /** Figures of whole runs within limits. */
    readonly best: readonly number[];
  }[];
  readonly random: Random;
}

/** Candidates of a batch; ours. */
const SHORTLIST = 60;
/** Random draws to estimate a gain in several objectives; ours. */
const DRAWS = 24;
/** Weight of the sum in Knowles' augmented Chebyshev norm. */
const AUGMENTED = 0.05;

/** Batch for one objective by expected improvement (Jones, Schonlau and Welch 1998). */
export function byGain({ cells, objectives, feasible }: Chooser, count: number): number[] {
  const [{ posteriors, best, process }] = objectives as [Chooser['objectives'][number]];
  const most = best.length === 0 ? Number.NEGATIVE_INFINITY : Math.max(...best);
  const gain = (posterior: Posterior, at: number): number => logGain(posterior, most) + Math.log(feasible[at]!);
  const ranked = posteriors.map((posterior, at) => ({ at, gain: gain(posterior, at) })).sort((a, b) => b.gain - a.gain || a.at - b.at);
  let rest = ranked.slice(0, Math.max(SHORTLIST, count)).map(({ at }) => at);
  const chosen: number[] = [];
  while (chosen.length < count && rest.length > 0) {
    const now = chosen.length === 0 ? rest.map((at) => posteriors[at]!) : process!.posteriors(rest.map((at) => cells[at]!));
    const gains = rest.map((at, i) => gain(now[i]!, at));
    const first = rest[gains.indexOf(Math.max(...gains))]!;
    chosen.push(cells[first]!);
    process!.imagine(cells[first]!);
    rest = rest.filter((at) => at !== first);
  }
  return chosen;
}

/** Batch for several objectives by gain in a randomly weighted norm (ParEGO, Knowles 2006). */
export function byWeights({ cells, objectives, feasible, random }: Chooser, count: number): number[] {
  const scales = objectives.map(({ posteriors, best }) => {
    const figures = best.length > 1 ? best : posteriors.map(({ mean }) => mean);
    const [low, high] = [Math.min(...figures), Math.max(...figures)];
    return { high, range: high - low || 1 };
  });
  const chosen = new Set<number>();
  while (chosen.size < Math.min(count, cells.length)) {
    const drawn = objectives.map(() => random.exponential());
    const sum = drawn.reduce((all, weight) => all + weight, 0);
    const lost = (figures: (objective: number) => number): number => {
      let [most, all] = [Number.NEGATIVE_INFINITY, 0];
      for (let j = 0; j < drawn.length; j++) {
        const loss = ((drawn[j]! / sum) * (scales[j]!.high - figures(j))) / scales[j]!.range;
        most = Math.max(most, loss);
        all += loss;
      }
      return most + AUGMENTED * all;
    };
    const seen = objectives[0]!.best.map((_, run) => lost((j) => objectives[j]!.best[run]!));
    const least = Math.min(...seen);
    const draws = Array.from({ length: DRAWS }, () => objectives.map(() => random.normal()));
    let best = { at: -1, gain: Number.NEGATIVE_INFINITY };
    for (let at = 0; at < cells.length; at++) {
      if (chosen.has(at)) continue;
      const figure = (z: number, j: number): number => objectives[j]!.posteriors[at]!.mean + z * objectives[j]!.posteriors[at]!.sd;
      let gain = 0;
      if (seen.length > 0) for (const draw of draws) gain += Math.max(0, least - lost((j) => figure(draw[j]!, j)));
      const score = gain > 0 ? (gain / DRAWS) * feasible[at]! : -lost((j) => figure(1, j)) / Math.max(feasible[at]!, 1e-3) - 10;
      if (score > best.gain) best = { at, gain: score };
    }
    chosen.add(best.at);
  }
  return [...chosen].map((at) => cells[at]!);
}

/** Chance of a figure of at least `least`. */
export const chanceAtLeast = ({ mean, sd }: Posterior, least: number): number =>
  sd === 0 ? (mean >= least ? 1 : 0) : normalBelow((mean - least) / sd);

/** Logarithm of the expected improvement over `most`; without observations, mean plus deviation. */
function logGain({ mean, sd }: Posterior, most: number): number {
  if (most === Number.NEGATIVE_INFINITY) return mean + sd;
  const z = (mean - most) / sd;
  // Far below the best: phi(z) / z^2 (1 - 3 / z^2), the tail's first terms, nonzero in doubles.
  if (z < -3.5) return Math.log(sd) - (z * z) / 2 - 2 * Math.log(-z) + Math.log(1 - 3 / (z * z)) - HALF_LOG_TWO_PI;
  return Math.log(sd) + Math.log(z * normalBelow(z) + Math.exp(-(z * z) / 2 - HALF_LOG_TWO_PI));
}

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);

/** Standard normal distribution function (Abramowitz and Stegun 7.1.26, to 1.5e-7). */
function normalBelow(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp(-x * x);
  return z > 0 ? 1 - tail / 2 : tail / 2;
}

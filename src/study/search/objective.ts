// Objectives of a search: metrics, and three derived figures, each to maximise on a scale of equal differences.
import { UserError } from '../../base/errors.js';
import { byName, ownValue } from '../../base/objects.js';
import { didYouMean } from '../../base/text.js';
import type { StudyCell } from '../../figure/door.js';
import { measurePair } from '../../result/amount.js';
import { parseAssertion } from '../../result/budget.js';
import { describeMetric, METRICS, nameToday } from '../../result/catalogue.js';
import type { Result, Unit } from '../../result/result.js';

/** Figures of a cell that are known before it runs. */
const KNOWN_FIGURES = ['price', 'lost_bits'] as const;
/** Figures that are no metric of the catalogue. */
const OWN_FIGURES = [...KNOWN_FIGURES, 'degraded'] as const;

/** A figure that cells are compared by. */
export interface Objective {
  /** A metric's name, or `price`, `lost_bits`, `degraded`. */
  readonly name: string;
  readonly unit: Unit;
  readonly better: 'higher' | 'lower';
}

/** A limit that a cell must keep. */
export interface Constraint extends Objective {
  readonly text: string;
  readonly limit: number;
}

/** Difference that counts: as a share of a figure, or of 1 if the figure is a share itself. */
export const TOLERANCE = 0.03;

/** Least figure of each unit whose logarithm is taken. Shares and counts are taken as they are. */
const LEAST: Readonly<Partial<Record<Unit, number>>> = {
  ns: 1,
  bytes: 1,
  'tokens/s': 1e-2,
  'bytes/token': 1,
  'bytes/s': 1,
};

/** Reads an objective. @throws UserError if there is no such figure, or it is neither good nor bad */
export function objectiveNamed(given: string): Objective {
  const name = nameToday(given);
  const unit = byName<Unit | undefined>({ price: 'count', lost_bits: 'count', degraded: 'ratio' })[name];
  if (unit !== undefined) return { name, unit, better: 'lower' };
  if (!METRICS.has(name)) throw new UserError(`"${name}" is no figure; ${didYouMean(name, [...OWN_FIGURES, ...METRICS.keys()])}`);
  const { better, unit: metricUnit } = describeMetric(name);
  if (better === 'none')
    throw new UserError(`${name} is neither good nor bad; take a metric that has a better side, such as memory.gpu.peak`);
  return { name, unit: metricUnit, better };
}

/** Reads a constraint, `latency.tpot.p99 <= 20ms`. @throws UserError if it is none, or its limit is on the side that is better anyway */
export function constraintIn(text: string): Constraint {
  const { metric, rule } = parseAssertion(text, 'constraint');
  const objective = objectiveNamed(metric);
  const [clause, ...more] = rule.kind === 'limit' ? rule.clauses : [];
  const wanted = objective.better === 'higher' ? '>=' : '<=';
  if (clause === undefined || more.length > 0 || clause.comparator !== wanted)
    throw new UserError(`"${text}": ${metric} is better ${objective.better}; write ${metric} ${wanted} and one amount`);
  const { limit } = measurePair(clause.amount, { base: null, candidate: 0, unit: objective.unit }, `"${text}"`)!;
  return { ...objective, text, limit };
}

/** The figure as a number to maximise. */
export function goodness({ better, unit }: Objective, value: number): number {
  const least = LEAST[unit];
  return (better === 'higher' ? 1 : -1) * (least === undefined ? value : Math.log(Math.max(value, least)));
}

/** A difference of {@link goodness} as a share: of the figure, or of 1. */
export const differenceAsShare = ({ unit }: Objective, difference: number): number =>
  LEAST[unit] === undefined ? difference : Math.expm1(difference);

/** {@link TOLERANCE} as a difference of {@link goodness}. */
export const toleranceOf = ({ unit }: Objective): number => (LEAST[unit] === undefined ? TOLERANCE : Math.log1p(TOLERANCE));

/** A figure of a run; null: the run does not have it. */
export function figureIn({ metrics }: Result, { name }: Objective): number | null {
  if (name !== 'degraded') return metrics[name]?.value ?? null;
  // Of the choices that the model makes: what variants leave out, and of the rest what was skipped, or computed by another or a smaller expert.
  const value = (metric: string): number => metrics[metric]?.value ?? 0;
  const kept = 1 - Math.max(0, value('variant.activations_saved'));
  return 1 - kept * (1 - value('quality.degraded_rate') - value('quality.skipped_rate'));
}

/** True if a figure is known before a run. */
export const isKnown = ({ name }: Pick<Objective, 'name'>): boolean => (KNOWN_FIGURES as readonly string[]).includes(name);

/** By path and value, or part of a value that is written with +. */
export type Prices = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Price of a cell. @param paths of its values, in their order */
export function priceOf(prices: Prices, paths: readonly string[], cell: StudyCell): number {
  // Every value or part has a price: files whose prices lack one are refused.
  const priceOfValue = (prices: Prices[string], value: string): number =>
    ownValue(prices, value) ?? value.split('+').reduce((sum, part) => sum + ownValue(prices, part)!, 0);
  return paths.reduce((sum, path, at) => {
    const priced = ownValue(prices, path);
    return priced === undefined ? sum : sum + priceOfValue(priced, String(cell[at]));
  }, 0);
}

import { UserError } from '../../base/errors.js';
import { byName, ownValue } from '../../base/objects.js';
import { didYouMean } from '../../base/text.js';
import type { StudyCell } from '../../figure/door.js';
import { measurePair } from '../../result/amount.js';
import { parseAssertion } from '../../result/budget.js';
import { describeMetric, METRICS, nameToday } from '../../result/catalogue.js';
import type { MetricName } from '../../result/metrics.js';
import type { Result, Unit } from '../../result/result.js';

const KNOWN_FIGURES = ['price', 'lost_bits'] as const;
/** Figures outside the metric catalogue. */
const OWN_FIGURES = [...KNOWN_FIGURES, 'degraded'] as const;

/** A figure to maximise or minimise. */
export interface Objective {
  /** A metric's name, or `price`, `lost_bits`, `degraded`. */
  readonly name: string;
  readonly unit: Unit;
  readonly better: 'higher' | 'lower';
}

/** A limit for cells. */
export interface Constraint extends Objective {
  readonly text: string;
  readonly limit: number;
}

/** Significant difference, as a share of the figure, or absolute for shares; ours. */
export const TOLERANCE = 0.03;

/** Least figure before the logarithm; ours. Shares and counts stay linear. */
const LEAST: Readonly<Partial<Record<Unit, number>>> = {
  ns: 1,
  bytes: 1,
  'tokens/s': 1e-2,
  'bytes/token': 1,
  'bytes/s': 1,
};

/** @throws UserError for an unknown figure, or a figure without a better side */
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

/** `latency.tpot.p99 <= 20ms`. @throws UserError if malformed, or limited on the better side */
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

/** A figure as a number to maximise, on a scale of equal differences. */
export function goodness({ better, unit }: Objective, value: number): number {
  const least = LEAST[unit];
  return (better === 'higher' ? 1 : -1) * (least === undefined ? value : Math.log(Math.max(value, least)));
}

/** A difference of {@link goodness} as a share: of the figure, or of 1. */
export const differenceAsShare = ({ unit }: Objective, difference: number): number =>
  LEAST[unit] === undefined ? difference : Math.expm1(difference);

/** {@link TOLERANCE} as a difference of {@link goodness}. */
export const toleranceOf = ({ unit }: Objective): number => (LEAST[unit] === undefined ? TOLERANCE : Math.log1p(TOLERANCE));

/** Figure of a run; null: absent. */
export function figureIn({ metrics }: Result, { name }: Objective): number | null {
  if (name !== 'degraded') return metrics[name]?.value ?? null;
  // Choices left out by variants, skipped, or computed by a substitute.
  const value = (metric: MetricName): number => metrics[metric]?.value ?? 0;
  const kept = 1 - Math.max(0, value('variant.activations_saved'));
  return 1 - kept * (1 - value('quality.degraded_rate') - value('quality.skipped_rate'));
}

/** True if a figure is known before a run. */
export const isKnown = ({ name }: Pick<Objective, 'name'>): boolean => (KNOWN_FIGURES as readonly string[]).includes(name);

/** By path, then value or a part of a `+` composition. */
export type Prices = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Price of a cell. @param paths in the order of the cell's values */
export function priceOf(prices: Prices, paths: readonly string[], cell: StudyCell): number {
  const priceOfValue = (prices: Prices[string], value: string): number =>
    ownValue(prices, value) ?? value.split('+').reduce((sum, part) => sum + ownValue(prices, part)!, 0);
  return paths.reduce((sum, path, at) => {
    const priced = ownValue(prices, path);
    return priced === undefined ? sum : sum + priceOfValue(priced, String(cell[at]));
  }, 0);
}

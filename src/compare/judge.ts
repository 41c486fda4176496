// Judges metrics by budgets. A metric that a budget names and a run lacks is a broken budget: a gate that passes because a number has
// vanished is no gate. A metric that no budget names is shown and fails nothing.

import { UserError } from '../base/errors.js';
import { formatDelta, formatRelative, formatValue } from '../report/door.js';
import { measurePair, measureRegression } from '../result/amount.js';
import { type Budget, type Clause, type Comparator, isExact, matches } from '../result/budget.js';
import { METRICS, metricMeant } from '../result/catalogue.js';
import { noSuchMetric } from '../result/replaced.js';
import type { Metric, Result } from '../result/result.js';
import type { SampleTest } from './samples.js';

/** A broken budget. */
export interface BudgetFinding {
  readonly metric: string;
  readonly level: 'error' | 'warn';
  /** One sentence with the figures. */
  readonly message: string;
  readonly budget: Budget;
}

/** The verdict of the budgets on one metric. */
export interface MetricVerdict {
  readonly findings: readonly BudgetFinding[];
  /** `none`: no budget names it. `off`: a budget excludes it, with this reason. */
  readonly verdict: 'fail' | 'warn' | 'pass' | 'off' | 'none';
  readonly reason: string | null;
}

/**
 * Judges one metric in base and candidate by all budgets that match, in order; an `off` forgets those before it.
 * @param base null where the base lacks it, or where there is no base
 * @param test test of a measured metric; null for a simulated one
 * @throws UserError where an amount does not fit the metric's unit
 */
export function judgeMetric(
  name: string,
  base: Metric | null,
  candidate: Metric | null,
  budgets: readonly Budget[],
  test: SampleTest | null = null,
): MetricVerdict {
  let findings: BudgetFinding[] = [];
  let verdict: MetricVerdict['verdict'] = 'none';
  let reason: string | null = null;
  for (const budget of budgets) {
    if (!matches(budget.metric, name)) continue;
    if (budget.rule.kind === 'off') {
      findings = [];
      verdict = 'off';
      reason = budget.rule.reason;
      continue;
    }
    const message = brokenBy(name, base, candidate, budget, test);
    if (message !== null) findings.push({ metric: name, level: budget.level, message, budget });
    if (verdict === 'none' || verdict === 'off') verdict = 'pass';
    reason = null;
  }
  if (findings.length > 0) verdict = findings.some((finding) => finding.level === 'error') ? 'fail' : 'warn';
  return { findings, verdict, reason };
}

/** The reason why a budget is broken, or null. A change within noise does not break a budget. */
function brokenBy(name: string, base: Metric | null, candidate: Metric | null, budget: Budget, test: SampleTest | null): string | null {
  if (candidate === null) return 'is missing in the candidate';
  const pair = { base: base?.value ?? null, candidate: candidate.value, unit: candidate.unit };
  const { rule } = budget;
  if (rule.kind === 'off') return null;
  if (comparesChange(rule)) {
    if (test?.verdict === 'too-few') return tooFew(test);
    if (test?.verdict === 'unclear') return null;
  }
  if (rule.kind === 'regression') {
    // A metric that only the candidate has cannot have got worse; a budget that names it says that it matters.
    if (pair.base === null) return isExact(budget.metric) ? 'is missing in the base' : null;
    const change = pair.candidate - pair.base;
    const worsening = candidate.better === 'none' ? Math.abs(change) : candidate.better === 'lower' ? change : -change;
    const broken = rule.amounts
      .map((amount) => measureRegression(amount, base!.value, worsening, candidate.unit, `${budget.place}: ${name}`))
      .every(({ observed, limit }) => observed > limit);
    return broken ? `${figures(base, candidate)} is worse by more than ${rule.amounts.map((amount) => amount.text).join(' and ')}` : null;
  }
  const measured = rule.clauses.map((clause) => ({ clause, measured: measurePair(clause.amount, pair, `${budget.place}: ${name}`) }));
  if (measured.some((one) => one.measured === null)) return isExact(budget.metric) ? 'is missing in the base' : null;
  const holds = measured.map((one) => HOLDS[one.clause.comparator](one.measured!.observed, one.measured!.limit));
  const clauses = rule.clauses.map(clauseText).join(' and ');
  if (rule.kind === 'fail-on') return holds.every(Boolean) ? `${figures(base, candidate)} is ${clauses}` : null;
  return holds.every(Boolean) ? null : `${figures(base, candidate)} is not ${clauses}`;
}

/** True for a rule about a change against the base. */
function comparesChange(rule: Budget['rule']): boolean {
  return rule.kind === 'regression' || (rule.kind !== 'off' && rule.clauses.some(({ amount }) => amount.sign !== null));
}

function tooFew({ counts: [base, candidate] }: SampleTest): string {
  return `is measured and has too few samples to judge (${base} and ${candidate}); run both with --repeat 5 or more`;
}

/** `30.8 ms -> 32.1 ms (+4.2 %)`, or the candidate alone where there is no base or no change. */
function figures(base: Metric | null, candidate: Metric): string {
  const now = formatValue(candidate.value, candidate.unit);
  if (base === null || base.value === candidate.value) return now;
  return `${formatValue(base.value, base.unit)} -> ${now} (${changeText(base.value, candidate)})`;
}

/** The text of a change: points for shares, else percent; from zero, the amount itself. */
export function changeText(base: number, candidate: Metric): string {
  const change = candidate.value - base;
  if (candidate.unit === 'ratio' || base === 0) return formatDelta(change, candidate.unit);
  return formatRelative(change / Math.abs(base));
}

function clauseText({ comparator, amount }: Clause): string {
  return `${comparator} ${amount.sign === null ? '' : amount.sign > 0 ? '+' : '-'}${amount.text}`;
}

const HOLDS: Readonly<Record<Comparator, (a: number, b: number) => boolean>> = {
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
};

/** The metrics of a result. */
type Metrics = Result['metrics'];

/**
 * Findings on budgets as such: one that matches no metric of the runs, one that compares nothing, one that only an improvement can break.
 * @param base null where there is none
 * @throws UserError where the name is not that of any metric: it is mistyped
 */
export function judgeBudgets(base: Metrics | null, candidate: Metrics, budgets: readonly Budget[]): BudgetFinding[] {
  const unmatched = judgeUnmatched([...new Set([...Object.keys(base ?? {}), ...Object.keys(candidate)])], budgets);
  return [...unmatched, ...budgets.flatMap((budget) => judgeAim(base, candidate, budget))];
}

function judgeAim(base: Metrics | null, candidate: Metrics, budget: Budget): BudgetFinding[] {
  const { level, metric, rule } = budget;
  const matched = Object.keys(candidate).filter((name) => matches(metric, name));
  if (rule.kind === 'off' || matched.length === 0) return [];
  if (comparesChange(rule) && base !== null && !isExact(metric) && matched.every((name) => base[name] === undefined)) {
    return [{ metric, level, message: 'compares nothing: the base has no metric that it matches', budget }];
  }
  if (rule.kind === 'regression' || !matched.every((name) => rule.clauses.every((clause) => isBetter(clause, rule.kind, candidate[name]!))))
    return [];
  return [{ metric, level: 'warn', message: 'only an improvement can break this; turn its comparison round', budget }];
}

/** True where a clause can break its budget on the better side of a metric only. */
function isBetter({ comparator }: Clause, kind: 'fail-on' | 'limit', { better }: Metric): boolean {
  if (better === 'none' || comparator === '==' || comparator === '!=') return false;
  return comparator.startsWith('>') === ((better === 'higher') === (kind === 'fail-on'));
}

/** Findings of budgets that match no metric of the runs. @throws UserError where the name is not that of any metric: it is mistyped */
export function judgeUnmatched(names: readonly string[], budgets: readonly Budget[]): BudgetFinding[] {
  return budgets
    .filter((budget) => !names.some((name) => matches(budget.metric, name)))
    .flatMap((budget) => {
      if (![...METRICS.keys()].some((name) => matches(budget.metric, name))) {
        throw new UserError(`${budget.place}: ${noSuchMetric(budget.metric, metricMeant(budget.metric))}`);
      }
      if (budget.rule.kind === 'off') return [];
      return [{ metric: budget.metric, level: budget.level, message: 'is missing: no run has it', budget }];
    });
}

/**
 * Judges one result alone by limits, as `moeprof run` does with its assertions and the `budgets:` of its profile. Rules against a base
 * do not apply.
 * @throws UserError for unknown metrics and amounts that do not fit
 */
export function judgeResult(result: Result, budgets: readonly Budget[]): BudgetFinding[] {
  const absolute = budgets.filter(({ rule }) => !comparesChange(rule));
  const names = Object.keys(result.metrics);
  const findings = names.flatMap((name) => judgeMetric(name, null, result.metrics[name]!, absolute).findings);
  return [...findings, ...judgeBudgets(null, result.metrics, absolute)];
}

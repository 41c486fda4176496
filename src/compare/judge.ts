// Judges metrics by budgets. A missing metric of a budget is a fault; metrics without a budget are only shown.
import { UserError } from '../base/errors.js';
import { groupedBy } from '../base/objects.js';
import { formatDelta, formatRelative, formatValue } from '../report/door.js';
import { changeOf, measurePair, measureRegression } from '../result/amount.js';
import { type Budget, type Clause, type Comparator, isExact, matches } from '../result/budget.js';
import { METRICS, metricMeant, noSuchMetric } from '../result/catalogue.js';
import type { Metric, Result } from '../result/result.js';
import type { SampleTest } from './samples.js';

/** Broken budget or warning. */
export interface BudgetFinding {
  readonly metric: string;
  readonly level: 'error' | 'warn';
  readonly message: string;
  /** Null if no budget covers the metric. */
  readonly budget: Budget | null;
}

/** Verdict of the budgets on one metric. */
export interface MetricVerdict {
  readonly findings: readonly BudgetFinding[];
  /** `none`: no budget names the metric. `off`: excluded by a budget. */
  readonly verdict: 'fail' | 'warn' | 'pass' | 'off' | 'none';
  readonly reason: string | null;
  /** Largest relative excess over a broken limit, or 0. */
  readonly beyond: number;
}

/** `off` cancels earlier budgets. @param base null: absent @throws UserError for a wrong unit */
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
  let beyond = 0;
  for (const budget of budgets) {
    if (!matches(budget.metric, name)) continue;
    if (budget.rule.kind === 'off') {
      [findings, beyond] = [[], 0];
      verdict = 'off';
      reason = budget.rule.reason;
      continue;
    }
    const broken = brokenBy(name, base, candidate, budget, test);
    if (broken !== null) {
      findings.push({ metric: name, level: budget.level, message: broken.message, budget });
      beyond = Math.max(beyond, broken.beyond);
    }
    if (verdict === 'none' || verdict === 'off') verdict = 'pass';
    reason = null;
  }
  if (findings.length > 0) verdict = findings.some((finding) => finding.level === 'error') ? 'fail' : 'warn';
  return { findings, verdict, reason, beyond };
}

/** Broken budget, with the relative excess over its nearest limit. */
function brokenAt(message: string, measured: readonly { readonly observed: number; readonly limit: number }[] = []) {
  return { message, beyond: Math.min(...measured.map(({ limit, observed }) => Math.abs((observed - limit) / limit) || 0)) };
}

/** Reason why a budget is broken, or null. A change within noise breaks no budget. */
function brokenBy(
  name: string,
  base: Metric | null,
  candidate: Metric | null,
  budget: Budget,
  test: SampleTest | null,
): ReturnType<typeof brokenAt> | null {
  if (candidate === null) return brokenAt('is missing in the candidate');
  const pair = { base: base?.value ?? null, candidate: candidate.value, unit: candidate.unit };
  const { rule } = budget;
  if (rule.kind === 'off' || rule.kind === 'varies') return null;
  if (compares(budget)) {
    if (test?.verdict === 'too-few')
      return brokenAt(`is measured and has too few samples to judge (${test.counts.join(' and ')}); run both with --repeat 5 or more`);
    if (test?.verdict === 'unclear') return null;
  }
  if (rule.kind === 'regression') {
    // A metric of the candidate alone cannot get worse, but an exact name requires the metric.
    if (pair.base === null) return isExact(budget.metric) ? brokenAt('is missing in the base') : null;
    const worsening = worseningOf(pair.base, candidate);
    const all = rule.amounts.map((amount) => measureRegression(amount, base!.value, worsening, candidate.unit, `${budget.place}: ${name}`));
    if (!all.every(({ observed, limit }) => observed > limit)) return null;
    return brokenAt(`${figures(base, candidate)} is worse by more than ${rule.amounts.map((amount) => amount.text).join(' and ')}`, all);
  }
  const measured = rule.clauses.map((clause) => ({ clause, measured: measurePair(clause.amount, pair, `${budget.place}: ${name}`) }));
  if (measured.some((clause) => clause.measured === null)) return isExact(budget.metric) ? brokenAt('is missing in the base') : null;
  const holds = measured.map((pair) => HOLDS[pair.clause.comparator](pair.measured!.observed, pair.measured!.limit));
  if (holds.every(Boolean) !== (rule.kind === 'fail-on')) return null;
  const clauses = rule.clauses.map(clauseText).join(' and ');
  const beside = measured.flatMap((pair, at) => (holds[at] === (rule.kind === 'fail-on') ? pair.measured! : []));
  return brokenAt(`${figures(base, candidate)} is ${rule.kind === 'fail-on' ? '' : 'not '}${clauses}`, beside);
}

/** Metrics felt by users: speed, memory, departure from the model's choices. */
const FELT =
  /^(latency\.(ttft|tpot|itl|request)|speed|throughput|goodput|quality)\.|^(rerank\.weight_lost|memory\.(gpu\.allocated|dram\.peak))$/;
const DEPARTS = /^(quality|rerank)\./;
/** Relative regression from which a warning is due. Ours. */
const LOUD = 0.1;

/** Regression that breaks no budget. */
export interface Silence {
  readonly name: string;
  readonly base: Metric | null;
  /** Null: gone. */
  readonly candidate: Metric | null;
  /** Share of the smaller figure. */
  readonly size: number;
}

/**
 * Regression of at least {@link LOUD} that breaks no budget, of a metric felt by users or under budgets; null: none, or
 * excluded.
 */
export function silenceOf(
  name: string,
  base: Metric | null,
  candidate: Metric | null,
  { findings, verdict }: MetricVerdict,
  test: SampleTest | null,
): Silence | null {
  if (findings.length > 0 || verdict === 'off' || (verdict === 'none' && !FELT.test(name))) return null;
  if (candidate === null) return { name, base, candidate, size: Number.POSITIVE_INFINITY };
  if ((base === null && !DEPARTS.test(name)) || (test !== null && test.verdict !== 'different')) return null;
  const before = base?.value ?? 0;
  const size = worseningOf(before, candidate) / Math.min(Math.abs(before), Math.abs(candidate.value));
  return size >= LOUD ? { name, base, candidate, size } : null;
}

/** Warnings about regressions without a broken budget: the largest of each family. */
export function silenceFindings(silences: readonly Silence[], budgets: readonly Budget[]): BudgetFinding[] {
  const families = groupedBy(
    [...silences].sort((a, b) => b.size - a.size),
    ({ name }) => name.replace(/\.[^.]*$/, ''),
  );
  return [...families].map(([family, [worst, ...more]]) => {
    const { base, candidate, name } = worst!;
    const what = candidate === null ? 'is missing in the candidate' : `${figures(base, candidate)} is worse by 10 % or more`;
    const others = more.length === 0 ? '' : `; so ${more.length === 1 ? 'is' : 'are'} ${more.length} more of ${family}`;
    const budget = budgets.findLast(({ metric }) => matches(metric, name)) ?? null;
    return { metric: name, level: 'warn', message: `${what}, and no budget fails it${others}`, budget };
  });
}

/** Change, positive for the worse; absolute if neither direction is better. */
function worseningOf(base: number, { better, value }: Metric): number {
  const change = changeOf(base, value);
  return better === 'none' ? Math.abs(change) : better === 'lower' ? change : -change;
}

/** `30.8 ms -> 32.1 ms (+4.2 %)`, or the candidate alone. */
function figures(base: Metric | null, candidate: Metric): string {
  const now = formatValue(candidate.value, candidate.unit);
  if (base === null || changeOf(base.value, candidate.value) === 0) return now;
  return `${formatValue(base.value, base.unit)} -> ${now} (${changeText(base.value, candidate)})`;
}

/** Change in points for shares, else percent; from zero, the amount. */
export function changeText(base: number, candidate: Metric): string {
  const change = changeOf(base, candidate.value);
  if (candidate.unit === 'ratio' || base === 0) return formatDelta(change, candidate.unit);
  return formatRelative(change / Math.abs(base));
}

const clauseText = ({ comparator, amount }: Clause): string =>
  `${comparator} ${amount.sign === null ? '' : amount.sign > 0 ? '+' : '-'}${amount.text}`;

const HOLDS: Readonly<Record<Comparator, (a: number, b: number) => boolean>> = {
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
};

type Metrics = Result['metrics'];

/**
 * Findings on budgets that match or compare nothing, or break for no regression. @param findings extended by warnings
 * @throws UserError
 */
export function judgeBudgets(
  base: Metrics | null,
  candidate: Metrics,
  budgets: readonly Budget[],
  findings: Map<Budget, BudgetFinding>,
): BudgetFinding[] {
  const unmatched = judgeUnmatched([...new Set([...Object.keys(base ?? {}), ...Object.keys(candidate)])], budgets);
  return [
    ...unmatched,
    ...budgets.flatMap((budget) => {
      const [nothing, warning] = [judgeAim(base, candidate, budget), findings.has(budget) ? null : warningOf(base, candidate, budget)];
      if (warning !== null) findings.set(budget, warning);
      return nothing ?? [];
    }),
  ];
}

/** Warning about a budget that excludes metrics. */
export function offFinding(budget: Budget & { readonly rule: { readonly kind: 'off' } }): BudgetFinding {
  return { metric: budget.metric, level: 'warn', message: `is not looked at: ${budget.rule.reason}`, budget };
}

/** Finding on a budget that compares nothing, or null. */
function judgeAim(base: Metrics | null, candidate: Metrics, budget: Budget): BudgetFinding | null {
  const { level, metric } = budget;
  const matched = Object.keys(candidate).filter((name) => matches(metric, name));
  if (!compares(budget) || base === null || isExact(metric) || matched.length === 0) return null;
  if (matched.some((name) => base[name] !== undefined)) return null;
  return { metric, level, message: 'compares nothing: the base has no metric that it matches', budget };
}

const compares = ({ rule }: Budget): boolean =>
  rule.kind === 'regression' || ('clauses' in rule && rule.clauses.some(({ amount }) => amount.sign !== null));

/** Warning about a budget that breaks for no regression, or null. */
function warningOf(base: Metrics | null, candidate: Metrics, budget: Budget): BudgetFinding | null {
  const { metric, rule } = budget;
  if (isOff(budget)) return base === null ? null : offFinding(budget);
  const matched = Object.keys(candidate).filter((name) => matches(metric, name));
  if (rule.kind === 'varies' || rule.kind === 'off' || matched.length === 0) return null;
  if (rule.kind !== 'regression' && matched.every((name) => rule.clauses.every((clause) => isBetter(clause, rule.kind, candidate[name]!))))
    return { metric, level: 'warn', message: 'only an improvement can break this; turn its comparison round', budget };
  const times = compares(budget) ? 10 : 1000;
  if (base === null || !isLoose(base, matched, budget, times)) return null;
  return { metric, level: 'warn', message: `hardly any regression can break this: what is ${times} times worse passes`, budget };
}

/** True for a budget that excludes metrics. */
export const isOff = (budget: Budget): budget is Budget & { readonly rule: { readonly kind: 'off' } } => budget.rule.kind === 'off';

/** True if a budget lets all its metrics get `times` as bad. */
function isLoose(base: Metrics, names: readonly string[], budget: Budget, times: number): boolean {
  const known = names.flatMap((name) => (base[name] !== undefined && base[name].value > 0 ? [[name, base[name]] as const] : []));
  const worse = (old: Metric): Metric => ({ ...old, value: old.better === 'higher' ? old.value / times : old.value * times });
  return known.length > 0 && known.every(([name, metric]) => brokenBy(name, metric, worse(metric), budget, null) === null);
}

function isBetter({ comparator }: Clause, kind: 'fail-on' | 'limit', { better }: Metric): boolean {
  if (better === 'none' || comparator === '==' || comparator === '!=') return false;
  return comparator.startsWith('>') === ((better === 'higher') === (kind === 'fail-on'));
}

/** @throws UserError for a mistyped name */
export const judgeUnmatched = (names: readonly string[], budgets: readonly Budget[]): BudgetFinding[] =>
  budgets
    .filter((budget) => !names.some((name) => matches(budget.metric, name)))
    .flatMap((budget) => {
      if (![...METRICS.keys()].some((name) => matches(budget.metric, name)))
        throw new UserError(`${budget.place}: ${noSuchMetric(budget.metric, metricMeant(budget.metric))}`);
      if (budget.rule.kind === 'off') return [];
      return [{ metric: budget.metric, level: budget.level, message: 'is missing: no run has it', budget }];
    });

/** Limits alone, without rules against a base. @throws UserError for unknown metrics and wrong units */
export function judgeResult(result: Result, budgets: readonly Budget[]): BudgetFinding[] {
  const absolute = budgets.filter((budget) => budget.rule.kind !== 'varies' && !compares(budget));
  const names = Object.keys(result.metrics);
  const findings = names.flatMap((name) => judgeMetric(name, null, result.metrics[name]!, absolute).findings);
  const found = new Map<Budget, BudgetFinding>();
  return [...findings, ...judgeBudgets(null, result.metrics, absolute, found), ...found.values()];
}

// By metric. Simulated metrics are exact, so budgets decide; measured metrics need significance.
import { EXIT, UserError } from '../base/errors.js';
import { changeOf } from '../result/amount.js';
import type { Budget } from '../result/budget.js';
import { CORE_METRICS, compareMetricNames } from '../result/catalogue.js';
import { type KnowledgeGap, knowledgeGap } from '../result/knowledge.js';
import type { Metric, Result } from '../result/result.js';
import { configDifferences, type Difference, helpsOf, inputDifferences, remedyOf, varyingOf } from './difference.js';
import { type Explanation, explain } from './explain.js';
import { type BudgetFinding, judgeBudgets, judgeMetric, type MetricVerdict, type Silence, silenceFindings, silenceOf } from './judge.js';
import { type SampleTest, testSamples } from './samples.js';

/** Result with the user's name. */
export interface Operand {
  readonly label: string;
  readonly result: Result;
  readonly budgets?: readonly Budget[];
}

/** Metric that changed, or breaks a budget. */
export interface Row {
  readonly metric: string;
  /** Null if absent. */
  readonly base: Metric | null;
  readonly candidate: Metric | null;
  /** Candidate minus base; null if either is absent. */
  readonly change: number | null;
  /** Change over |base|; null if the base is absent or about zero. */
  readonly relative: number | null;
  /** `unclear`: measured, and explained by noise. */
  readonly direction: 'better' | 'worse' | 'neutral' | 'new' | 'missing' | 'unclear';
  readonly verdict: MetricVerdict['verdict'];
  /** Reason of an `off` budget. */
  readonly reason: string | null;
  /** Null for a simulated metric. */
  readonly test: SampleTest | null;
}

/** Candidate compared with its base. */
export interface Comparison {
  readonly base: string;
  readonly candidate: string;
  readonly scenario: string;
  readonly inputs: readonly Difference[];
  readonly config: readonly Difference[];
  /** Difference in knowledge beyond the past (L17), or null. */
  readonly knowledge: KnowledgeGap | null;
  /** Worst first. */
  readonly rows: readonly Row[];
  readonly unchanged: number;
  /** Metrics held by a budget. */
  readonly held: readonly string[];
  readonly findings: readonly BudgetFinding[];
  /** Causes; null if nothing changed. */
  readonly explanation: Explanation | null;
  /** True: reports list all causes; false: the largest. */
  readonly explained: boolean;
  readonly passed: boolean;
  readonly results: { readonly base: Result; readonly candidate: Result };
}

/** Metrics present or absent together. */
const SHARED = /^(latency\.(ttft|tpot|itl|request)|speed|throughput)\./;

/** Options of a comparison. */
export interface CompareOptions {
  /** Compares despite different inputs or knowledge, or more memory of the candidate. */
  readonly allowDifferentInputs?: boolean;
  /** Reports list all causes. */
  readonly explain?: boolean;
}

interface Gated {
  /** True: any pair of the gate has budgets. */
  readonly gated: boolean;
  /** Warnings by budget; null: part of the findings here. */
  readonly findings: Map<Budget, BudgetFinding> | null;
}

/**
 * @param tests of measured metrics by name; absent: computed for this pair
 * @throws UserError with exit code 3 for forbidden differences of inputs or an incomplete base; 2 for budgets without a
 * metric
 */
export function compareResults(
  base: Operand,
  candidate: Operand,
  budgets: readonly Budget[],
  options: CompareOptions = {},
  scenario: string = candidate.label,
  tests: ReadonlyMap<string, SampleTest> = testSamples([{ base: base.result, candidate: candidate.result }])[0]!,
  { gated, findings: shared }: Gated = { gated: budgets.length > 0, findings: null },
): Comparison {
  const inputs = inputDifferences(base.result, candidate.result);
  const varied = variedBy(inputs, budgets);
  const barred = inputs.filter((input) => !varied.has(input));
  if (barred.length > 0 && options.allowDifferentInputs !== true) throw notComparable(base, candidate, barred);
  checkCore(
    base,
    candidate,
    inputs.every((input) => varyingOf(input) !== null),
  );
  const rules = budgets.filter(({ rule }) => rule.kind !== 'varies');
  const names = [...new Set([...Object.keys(base.result.metrics), ...Object.keys(candidate.result.metrics)])].sort(compareMetricNames);
  const findings: BudgetFinding[] = [...varied].map(([{ path, base: before, candidate: after }, budget]) => ({
    metric: path,
    level: 'warn',
    message: `${before} -> ${after}: figures are not of the same inputs`,
    budget,
  }));
  if (gated) findings.push(...helpsOf(base.result, candidate.result).map((help) => ({ ...help, level: 'warn' as const, budget: null })));
  const rows: Row[] = [];
  const beyond = new Map<string, number>();
  const silences: Silence[] = [];
  const held: string[] = [];
  let unchanged = 0;
  for (const name of names) {
    const [before, after] = [base.result.metrics[name] ?? null, candidate.result.metrics[name] ?? null];
    const test = tests.get(name) ?? null;
    const judgement = judgeMetric(name, before, after, rules, test);
    const silence = gated ? silenceOf(name, before, after, judgement, test) : null;
    if (silence !== null) silences.push(silence);
    findings.push(...judgement.findings);
    beyond.set(name, judgement.beyond);
    const equal = before !== null && after !== null && changeOf(before.value, after.value) === 0;
    if (equal) unchanged++;
    if (equal && judgement.verdict === 'pass') held.push(name);
    if (!equal || judgement.findings.length > 0) rows.push(rowOf(name, before, after, judgement, test));
  }
  const warnings = shared ?? new Map<Budget, BudgetFinding>();
  findings.push(...judgeBudgets(base.result.metrics, candidate.result.metrics, rules, warnings));
  if (shared === null) findings.push(...warnings.values());
  if (findings.every(({ level }) => level !== 'error')) findings.push(...silenceFindings(silences, rules));
  rows.sort((a, b) => worstFirst(a, b, beyond));
  const rank = new Map(rows.map(({ metric }, index) => [metric, index]));
  const place = ({ metric }: BudgetFinding): number => rank.get(metric) ?? -1;
  return {
    base: base.label,
    candidate: candidate.label,
    scenario,
    inputs,
    config: configDifferences(base.result, candidate.result),
    knowledge: knowledgeGap(base.result, candidate.result),
    rows,
    unchanged,
    held,
    findings: findings.sort((a, b) => Number(a.level === 'warn') - Number(b.level === 'warn') || place(a) - place(b)),
    explanation: rows.length > 0 ? explain(base.result, candidate.result) : null,
    explained: options.explain === true,
    passed: findings.every((finding) => finding.level !== 'error'),
    results: { base: base.result, candidate: candidate.result },
  };
}

const variedBy = (inputs: readonly Difference[], budgets: readonly Budget[]): ReadonlyMap<Difference, Budget> =>
  new Map(
    inputs.flatMap((input) => {
      const name = varyingOf(input);
      const budget = budgets.find(({ rule }) => name !== null && rule.kind === 'varies' && rule.inputs.includes(name));
      return budget === undefined ? [] : [[input, budget] as const];
    }),
  );

/** @throws UserError with exit code 3 if the base lacks a core metric */
function checkCore(base: Operand, candidate: Operand, sameInputs: boolean): void {
  const shared = sameInputs ? Object.keys(candidate.result.metrics).filter((name) => SHARED.test(name)) : [];
  const gone = [...CORE_METRICS, ...shared].find((name) => base.result.metrics[name] === undefined);
  if (gone === undefined) return;
  throw new UserError(`${base.label}: lacks ${gone}, which a result of these inputs has; save the base again`, EXIT.notComparable);
}

function notComparable(base: Operand, candidate: Operand, inputs: readonly Difference[]): UserError {
  const shown = inputs.slice(0, 4).map((difference) => `${difference.path} ${difference.base} -> ${difference.candidate}`);
  const more = inputs.length > shown.length ? ` and ${inputs.length - shown.length} more` : '';
  const remedy = remedyOf(base.result, candidate.result, [base.label, candidate.label], inputs);
  return new UserError(`${candidate.label}: not comparable with ${base.label}: ${shown.join(', ')}${more}; ${remedy}`, EXIT.notComparable);
}

function rowOf(
  metric: string,
  base: Metric | null,
  candidate: Metric | null,
  { verdict, reason }: MetricVerdict,
  test: SampleTest | null,
): Row {
  const change = base === null || candidate === null ? null : changeOf(base.value, candidate.value);
  const relative = change === null ? null : change / Math.abs(base!.value);
  return {
    metric,
    base,
    candidate,
    change,
    relative: Number.isFinite(relative) ? relative : null,
    direction: directionOf(base, candidate, test),
    verdict,
    reason,
    test,
  };
}

function directionOf(base: Metric | null, candidate: Metric | null, test: SampleTest | null): Row['direction'] {
  if (base === null) return 'new';
  if (candidate === null) return 'missing';
  if (test !== null && test.verdict !== 'different') return 'unclear';
  const change = changeOf(base.value, candidate.value);
  if (candidate.better === 'none' || change === 0) return 'neutral';
  return change > 0 === (candidate.better === 'higher') ? 'better' : 'worse';
}

const VERDICTS: readonly Row['verdict'][] = ['fail', 'warn', 'pass', 'none', 'off'];
const DIRECTIONS: readonly Row['direction'][] = ['worse', 'better', 'missing', 'new', 'neutral', 'unclear'];

/** Order: broken budgets by excess, kept budgets, then relative worsening, with a change from zero first. */
function worstFirst(a: Row, b: Row, beyond: ReadonlyMap<string, number>): number {
  const broken = (row: Row): number => Math.min(VERDICTS.indexOf(row.verdict), VERDICTS.indexOf('none'));
  const size = (row: Row): number => (row.relative === null ? Number.MAX_VALUE : Math.abs(row.relative));
  return (
    broken(a) - broken(b) ||
    beyond.get(b.metric)! - beyond.get(a.metric)! ||
    DIRECTIONS.indexOf(a.direction) - DIRECTIONS.indexOf(b.direction) ||
    size(b) - size(a) ||
    compareMetricNames(a.metric, b.metric)
  );
}

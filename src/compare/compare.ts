// Compares a candidate with a base, metric by metric. Simulated metrics are exact: every difference is real and is shown; whether it
// matters is for the budgets to say.
import { EXIT, UserError } from '../base/errors.js';
import { compareMetricNames } from '../result/catalogue.js';
import type { Metric, Result } from '../result/result.js';
import type { Budget } from './budget.js';
import { type Finding, type Judgement, judgeMetric, judgeUnmatched } from './judge.js';

/** A result and what the user calls it. */
export interface Operand {
  readonly label: string;
  readonly result: Result;
}

/** Something that two runs do not share. */
export interface Difference {
  /** Dotted path, e.g. `cache.policy`. */
  readonly path: string;
  /** JSON text; `-` where it is absent. */
  readonly base: string;
  readonly candidate: string;
}

/** A metric that changed, or that a budget finds fault with. */
export interface Row {
  readonly metric: string;
  /** Null where the run lacks the metric. */
  readonly base: Metric | null;
  readonly candidate: Metric | null;
  /** Candidate minus base; null where one lacks it. */
  readonly change: number | null;
  /** Change over |base|; null where the base is zero or absent: then only the change itself says something. */
  readonly relative: number | null;
  readonly direction: 'better' | 'worse' | 'neutral' | 'new' | 'missing';
  readonly verdict: Judgement['verdict'];
  /** Why an `off` budget says not to look. */
  readonly reason: string | null;
}

/** A candidate beside its base. */
export interface Comparison {
  readonly base: string;
  readonly candidate: string;
  /** Inputs that differ: empty unless the comparison was allowed all the same. */
  readonly inputs: readonly Difference[];
  readonly config: readonly Difference[];
  /** Worst first. */
  readonly rows: readonly Row[];
  /** Metrics that are equal. */
  readonly unchanged: number;
  readonly findings: readonly Finding[];
  readonly passed: boolean;
}

/** All candidates of one gate. */
export interface Gate {
  readonly comparisons: readonly Comparison[];
  readonly passed: boolean;
}

/**
 * Compares candidates with a base.
 * @param allowDifferentInputs compare even where model, hardware, routing, workload or seed differ
 * @throws UserError with exit code 3 where they differ and may not; with 2 for budgets that fit no metric
 */
export function compareAll(base: Operand, candidates: readonly Operand[], budgets: readonly Budget[], allowDifferentInputs = false): Gate {
  const comparisons = candidates.map((candidate) => compareResults(base, candidate, budgets, allowDifferentInputs));
  return { comparisons, passed: comparisons.every((comparison) => comparison.passed) };
}

/** Compares one candidate, see {@link compareAll}. */
export function compareResults(base: Operand, candidate: Operand, budgets: readonly Budget[], allowDifferentInputs = false): Comparison {
  const inputs = inputDifferences(base.result, candidate.result);
  if (inputs.length > 0 && !allowDifferentInputs) {
    const shown = inputs.slice(0, 4).map((difference) => `${difference.path} ${difference.base} -> ${difference.candidate}`);
    const more = inputs.length > shown.length ? ` and ${inputs.length - shown.length} more` : '';
    throw new UserError(
      `${candidate.label}: not comparable with ${base.label}: ${shown.join(', ')}${more}; rerun with the same inputs, or pass --allow-different-inputs`,
      EXIT.notComparable,
    );
  }
  const names = [...new Set([...Object.keys(base.result.metrics), ...Object.keys(candidate.result.metrics)])].sort(compareMetricNames);
  const findings: Finding[] = [];
  const rows: Row[] = [];
  for (const name of names) {
    const before = base.result.metrics[name] ?? null;
    const after = candidate.result.metrics[name] ?? null;
    const judgement = judgeMetric(name, before, after, budgets);
    findings.push(...judgement.findings);
    if (before?.value !== after?.value || judgement.findings.length > 0) rows.push(rowOf(name, before, after, judgement));
  }
  findings.push(...judgeUnmatched(names, budgets));
  return {
    base: base.label,
    candidate: candidate.label,
    inputs,
    config: differences(
      { system: base.result.inputs.system, ...base.result.config },
      { system: candidate.result.inputs.system, ...candidate.result.config },
    ),
    rows: rows.sort(worstFirst),
    unchanged: names.filter((name) => base.result.metrics[name]?.value === candidate.result.metrics[name]?.value).length,
    findings: findings.sort((a, b) => Number(a.level === 'warn') - Number(b.level === 'warn')),
    passed: findings.every((finding) => finding.level !== 'error'),
  };
}

function rowOf(metric: string, base: Metric | null, candidate: Metric | null, { verdict, reason }: Judgement): Row {
  const change = base === null || candidate === null ? null : candidate.value - base.value;
  const relative = change === null || base!.value === 0 ? null : change / Math.abs(base!.value);
  return { metric, base, candidate, change, relative, direction: directionOf(base, candidate), verdict, reason };
}

function directionOf(base: Metric | null, candidate: Metric | null): Row['direction'] {
  if (base === null) return 'new';
  if (candidate === null) return 'missing';
  const change = candidate.value - base.value;
  if (candidate.better === 'none' || change === 0) return 'neutral';
  return change > 0 === (candidate.better === 'higher') ? 'better' : 'worse';
}

const VERDICTS: readonly Row['verdict'][] = ['fail', 'warn', 'pass', 'none', 'off'];
const DIRECTIONS: readonly Row['direction'][] = ['missing', 'worse', 'better', 'new', 'neutral'];

/** Broken budgets, then what got worse, the largest relative change first. A change from zero is larger than any percentage. */
function worstFirst(a: Row, b: Row): number {
  const broken = (row: Row): number => Math.min(VERDICTS.indexOf(row.verdict), VERDICTS.indexOf('pass'));
  const size = (row: Row): number => (row.relative === null ? Number.MAX_VALUE : Math.abs(row.relative));
  return (
    broken(a) - broken(b) ||
    DIRECTIONS.indexOf(a.direction) - DIRECTIONS.indexOf(b.direction) ||
    size(b) - size(a) ||
    compareMetricNames(a.metric, b.metric)
  );
}

/** What of the inputs differs. Results with the same fingerprint have the same inputs. */
function inputDifferences(base: Result, candidate: Result): Difference[] {
  if (base.fingerprint === candidate.fingerprint) return [];
  const inputsOf = ({ inputs: { model, quantization, hardware, traces }, seed }: Result): Record<string, unknown> => ({
    model,
    quantization,
    hardware,
    seed,
    // The path is where the routing was read from; what it is, the hash says.
    trace: traces.map(({ sha256, tokens, requests }) => ({ sha256: sha256.slice(0, 12), tokens, requests })),
  });
  const found = differences(inputsOf(base), inputsOf(candidate));
  return found.length > 0
    ? found
    : [{ path: 'fingerprint', base: base.fingerprint.slice(0, 12), candidate: candidate.fingerprint.slice(0, 12) }];
}

/** Leaves that differ between two JSON values, by dotted path. */
function differences(base: unknown, candidate: unknown, path = ''): Difference[] {
  if (isObject(base) && isObject(candidate)) {
    const keys = [...new Set([...Object.keys(base), ...Object.keys(candidate)])].sort();
    return keys.flatMap((key) => differences(base[key], candidate[key], path === '' ? key : `${path}.${key}`));
  }
  const [before, after] = [leaf(base), leaf(candidate)];
  return before === after ? [] : [{ path, base: before, candidate: after }];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function leaf(value: unknown): string {
  return value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value);
}

import { didYouMean } from '../base/text.js';
import { type Budget, budgetsFor, matches, parseFailOn } from '../result/budget.js';
import type { Result } from '../result/result.js';
import { type CompareOptions, type Comparison, compareResults, type Operand } from './compare.js';
import { type BudgetFinding, isOff, judgeResult, offFinding } from './judge.js';
import { testSamples } from './samples.js';

/** Results of a gate's operand. */
export interface OperandSet {
  readonly label: string;
  /** True: a folder of named scenarios. False: one run. */
  readonly folder: boolean;
  /** By scenario name; at least one. */
  readonly scenarios: ReadonlyMap<string, Operand>;
}

/** Fault outside comparisons: a missing scenario, a limit broken by a new scenario, a budget for absent scenarios. */
interface ScenarioFault extends Pick<BudgetFinding, 'level' | 'message'> {
  readonly candidate: string;
  readonly scenario: string;
  /** Null if not about one metric. */
  readonly metric: string | null;
  readonly budget: Budget | null;
}

/** Base and candidates are runs or folders of scenarios. A missing scenario fails the gate; a new one is mentioned. */
export interface Gate {
  /** Labels of saved results, taken as saved. */
  readonly saved: readonly string[];
  /** By candidate, then by scenario. */
  readonly comparisons: readonly Comparison[];
  readonly faults: readonly ScenarioFault[];
  readonly added: readonly { readonly candidate: string; readonly scenario: string }[];
  readonly passed: boolean;
}

const single = (operand: Operand): OperandSet => ({ label: operand.label, folder: false, scenarios: new Map([[operand.label, operand]]) });

/** Compares single runs, see {@link compareSets}. */
export const compareAll = (base: Operand, candidates: readonly Operand[], budgets: readonly Budget[], options: CompareOptions = {}): Gate =>
  compareSets(single(base), candidates.map(single), budgets, options);

/** A pair's own budgets come first. @throws UserError with exit code 3 for different inputs; 2 for a budget */
export function compareSets(
  base: OperandSet,
  candidates: readonly OperandSet[],
  given: readonly Budget[],
  options: CompareOptions = {},
): Gate {
  const faults: ScenarioFault[] = [];
  const added: { candidate: string; scenario: string }[] = [];
  const pairs: { scenario: string; base: Operand; candidate: Operand }[] = [];
  const ran = new Set<string>();
  for (const set of candidates) {
    const names = scenarioNames(base, set);
    for (const name of names) {
      ran.add(name);
      const [before, after] = [operandOf(base, set, name), operandOf(set, base, name)];
      if (before !== undefined && after !== undefined) pairs.push({ scenario: name, base: before, candidate: after });
      else if (after !== undefined) {
        added.push({ candidate: set.label, scenario: name });
        const budgets = budgetsFor(name, [...(after.budgets ?? []), ...given]);
        faults.push(...judgeResult(after.result, budgets).map((finding) => ({ candidate: set.label, scenario: name, ...finding })));
      } else if (!excused(name, given)) {
        const message = 'is missing: the base has this scenario, the candidate does not';
        faults.push({ candidate: set.label, scenario: name, metric: null, level: 'error', message, budget: null });
      }
    }
  }
  faults.push(...unmatchedScenarios([...ran], given, candidates));
  const tests = testSamples(pairs.map((pair) => ({ base: pair.base.result, candidate: pair.candidate.result })));
  const all = pairs.map((pair) => budgetsFor(pair.scenario, [...ownBudgets(pair.base, pair.candidate), ...given]));
  const findings = new Map<Budget, BudgetFinding>();
  const gated = [...given, ...all.flat()].some(({ rule }) => rule.kind !== 'varies');
  const several = { gated, findings: pairs.length === 1 ? null : findings };
  const comparisons = pairs.map((pair, index) =>
    compareResults(pair.base, pair.candidate, all[index]!, options, pair.scenario, tests[index], several),
  );
  // A budget that only excuses scenarios is in no comparison.
  for (const budget of given.filter(isOff)) if (pairs.length !== 1 || !all[0]!.includes(budget)) findings.set(budget, offFinding(budget));
  const label = candidates.map((set) => set.label).join(', ');
  for (const [{ scenario = 'every scenario' }, finding] of findings) faults.push({ candidate: label, scenario, ...finding });
  const passed = comparisons.every((comparison) => comparison.passed) && faults.every(({ level }) => level !== 'error');
  const saved = [base, ...candidates].filter(({ scenarios }) => [...scenarios.values()].some(({ budgets }) => budgets === undefined));
  return { saved: saved.map(({ label }) => label), comparisons, faults, added, passed };
}

function scenarioNames(base: OperandSet, candidate: OperandSet): string[] {
  if (!base.folder && !candidate.folder) return [...candidate.scenarios.keys()];
  return [...new Set([...base.scenarios.keys(), ...candidate.scenarios.keys()])].sort();
}

const operandOf = (set: OperandSet, other: OperandSet, name: string): Operand | undefined =>
  set.folder || other.folder ? set.scenarios.get(name) : [...set.scenarios.values()][0];

/** The base's last, so that a candidate can neither disable them nor let inputs vary. */
function ownBudgets(base: Operand, candidate: Operand): Budget[] {
  const keyOf = ({ level, text }: Budget): string => `${level} ${text}`;
  const known = new Set(base.budgets?.map(keyOf));
  const budgets = (candidate.budgets ?? []).filter((budget) => budget.rule.kind !== 'varies' && !known.has(keyOf(budget)));
  return [...budgets, ...(base.budgets ?? [])];
}

const excused = (scenario: string, budgets: readonly Budget[]): boolean =>
  budgets.some(
    (budget) => budget.rule.kind === 'off' && budget.metric === '*' && budget.scenario !== undefined && matches(budget.scenario, scenario),
  );

function unmatchedScenarios(ran: readonly string[], budgets: readonly Budget[], candidates: readonly OperandSet[]): ScenarioFault[] {
  return budgets
    .filter(
      ({ rule, scenario }) =>
        rule.kind !== 'off' && rule.kind !== 'varies' && scenario !== undefined && !ran.some((name) => matches(scenario, name)),
    )
    .map((budget) => ({
      candidate: candidates.map(({ label }) => label).join(', '),
      scenario: budget.scenario!,
      metric: null,
      level: budget.level,
      message: `is missing: no run is of this scenario; ${didYouMean(budget.scenario!, ran)}`,
      budget,
    }));
}

/** @throws UserError with exit code 3 for forbidden differences of inputs; 2 for a condition that fits no metric */
export function compareWith(
  base: Result,
  candidates: Readonly<Record<string, Result>>,
  { failOn = [], ...options }: CompareOptions & { readonly failOn?: readonly string[] } = {},
): Gate {
  const operands = Object.entries(candidates).map(([label, result]) => ({ label, result }));
  const budgets = failOn.map((condition) => parseFailOn(condition));
  return compareAll({ label: 'base', result: base }, operands, budgets, options);
}

import { z } from 'zod';
import { placed, UserError } from '../base/errors.js';
import { written } from '../base/written.js';
import { type Amount, parseAmount } from './amount.js';
import { nameToday } from './catalogue.js';

/** Inputs that may differ between base and candidate by a budget, singly or by group. */
export const VARYING = [
  'runtime',
  'knowledge',
  ...(['expertCache', 'dramCache', 'kv', 'kvGrowth', 'kvIn', 'gpuLayers', 'splitLayer', 'minExpertCache'] as const).map(
    (setting) => `memory.${setting}` as const,
  ),
  'system.cache.quotas',
  'workload.slo',
] as const;

/** Comparison operator. */
export type Comparator = '>' | '>=' | '<' | '<=' | '==' | '!=';

/** Comparison, e.g. `> +3%`. */
export interface Clause {
  readonly comparator: Comparator;
  readonly amount: Amount;
}

/** Rule of a budget; `and` joins clauses and amounts. */
type Rule =
  /** Broken if all clauses hold. */
  | { readonly kind: 'fail-on'; readonly clauses: readonly Clause[] }
  /** Broken unless all clauses hold. */
  | { readonly kind: 'limit'; readonly clauses: readonly Clause[] }
  /** Broken if the metric got worse by more than every amount. */
  | { readonly kind: 'regression'; readonly amounts: readonly Amount[] }
  /** Excludes metrics from earlier budgets. */
  | { readonly kind: 'off'; readonly reason: string }
  /** Lets inputs of {@link VARYING} differ. */
  | { readonly kind: 'varies'; readonly inputs: readonly string[] };

/** Rule of a gate, from `--fail-on 'latency.tpot.p50 > +3%'` or an entry of `budgets:` in a YAML file. */
export interface Budget {
  /** Glob of metric names: `*` matches any characters, dots included, `?` matches one. For `varies`: the inputs. */
  readonly metric: string;
  /** Glob of scenario names; absent: all. */
  readonly scenario?: string;
  readonly rule: Rule;
  /** A broken `error` fails the gate; a broken `warn` is only shown. */
  readonly level: 'error' | 'warn';
  readonly text: string;
  /** Place, e.g. `--fail-on` or `budgets.yaml: budgets.2`. */
  readonly place: string;
}

const EXPRESSION = /^\s*([\w.*?-]+)\s*((?:[<>]|[<>=!]=).*)$/;

/** `metric comparator amount [and [comparator] amount]...`, true if the gate fails. @throws UserError if invalid */
export const parseFailOn = (text: string, place = '--fail-on'): Budget => expressed('fail-on', text, place);

/** For every matching metric. @throws UserError if invalid, or of a change */
export function parseAssertion(text: string, place = '--assert'): Budget {
  const budget = expressed('limit', text, place);
  if (budget.rule.clauses.every(({ amount }) => amount.sign === null)) return budget;
  throw new UserError(`${place}: "${budget.text}" is about a change, and one run has no base; write an amount without a sign`);
}

const expressed = (kind: 'fail-on' | 'limit', text: string, place: string): Budget & { readonly rule: { readonly clauses: Clause[] } } =>
  placed(place, () => {
    const match = EXPRESSION.exec(text);
    if (match === null) throw new UserError(`"${text}" is not metric, comparator, amount; write e.g. 'latency.tpot.p50 > +3%'`);
    return { metric: nameToday(match[1]!), rule: { kind, clauses: parseClauses(match[2]!) }, level: 'error', text: text.trim(), place };
  });

function parseClauses(text: string): Clause[] {
  let comparator: Comparator | null = null;
  return text.split(/\s+and\s+/).map((part) => {
    const match = /^\s*([<>=!]=|[<>])?\s*(.*)$/.exec(part)!;
    comparator = (match[1] as Comparator | undefined) ?? comparator;
    if (comparator === null) throw new UserError(`"${text.trim()}" has no comparator; write e.g. "<= 45ms"`);
    return { comparator, amount: parseAmount(match[2]!) };
  });
}

const word = z.string().min(1);

const entrySchema = z
  .strictObject({
    metric: word.optional().describe('Metric name; * stands for any characters, dots included (moeprof explain lists the names).'),
    varies: z
      .array(z.enum(VARYING))
      .min(1)
      .optional()
      .describe('In place of a metric: inputs that may differ between base and candidate, e.g. [runtime, memory.expertCache].'),
    scenario: word
      .optional()
      .describe('Name of the scenarios that it is for (file names without their ending); * stands for any characters. Absent: all.'),
    max_regression: written((text) => ({ text, amounts: text.split(/\s+and\s+/).map(unsigned) }), z.string())
      .optional()
      .describe('How much worse than the base is tolerated: 3%, 0.5pp, "3% and 0.2ms" (broken where it is worse by more than all).'),
    limit: written((text) => ({ text, clauses: parseClauses(text) }), z.string())
      .optional()
      .describe('What must hold whatever the base says: "<= 45ms", ">= 80%", ">= 1s and <= 2s".'),
    level: z
      .enum(['error', 'warn', 'off'])
      .default('error')
      .describe('error fails the gate, warn is only shown, off takes the metrics out of all budgets above.'),
    reason: word.optional().describe('Why nobody has to look at it; required with level: off.'),
  })
  .superRefine((entry, context) => {
    const complain = (message: string): void => context.addIssue({ code: 'custom', message });
    const rules = Number(entry.max_regression !== undefined) + Number(entry.limit !== undefined);
    if (entry.varies !== undefined) {
      if (entry.metric !== undefined || rules > 0 || entry.level === 'off')
        complain('varies is an entry of its own; move the rest to another');
      return;
    }
    if (entry.metric === undefined) context.addIssue({ code: 'custom', path: ['metric'], message: 'is missing; name one, or give varies' });
    if (entry.level === 'off' && entry.reason === undefined) complain('level off needs a reason; say why nobody has to look at it');
    if (entry.level === 'off' && rules > 0) complain('level off takes no limit; remove max_regression and limit');
    if (entry.level !== 'off' && rules === 0)
      complain('says nothing; give max_regression (e.g. 3%), limit (e.g. "<= 45ms"), or level: off');
  });

/** Schema of `budgets:` in budget files and run profiles. */
export const budgetsSchema = z.array(entrySchema);

/** Schema of a budget file. */
export const budgetFileSchema = z.strictObject({ budgets: budgetsSchema.min(1).describe('Budgets, judged in order.') });

type BudgetEntry = z.infer<typeof entrySchema>;

/** Budgets of checked entries. @param place of each entry, for messages */
export const budgetsOf = (entries: readonly BudgetEntry[], place: (index: number) => string): Budget[] =>
  entries.flatMap((entry, index) => budgetsOfEntry(entry, place(index)));

function budgetsOfEntry(entry: BudgetEntry, place: string): Budget[] {
  const { varies, metric = `${varies}`, scenario, level, max_regression: regression, limit, reason } = entry;
  const scope = { metric: nameToday(metric), ...(scenario === undefined ? {} : { scenario }) };
  const text = scenario === undefined ? metric : `${metric} of ${scenario}`;
  if (varies !== undefined) return [{ ...scope, rule: { kind: 'varies', inputs: varies }, level: 'warn', text: `${text} varies`, place }];
  if (level === 'off') return [{ ...scope, rule: { kind: 'off', reason: reason ?? '' }, level: 'warn', text: `${text}: off`, place }];
  const budgets: Budget[] = [];
  if (regression !== undefined) {
    const { amounts } = regression;
    budgets.push({ ...scope, rule: { kind: 'regression', amounts }, level, text: `${text}: max_regression ${regression.text}`, place });
  }
  if (limit !== undefined) {
    const { clauses } = limit;
    budgets.push({ ...scope, rule: { kind: 'limit', clauses }, level, text: `${text}: limit ${limit.text}`, place });
  }
  return budgets;
}

/** Refuses a sign, since the metric decides the worse direction. */
function unsigned(text: string): Amount {
  const amount = parseAmount(text);
  if (amount.sign !== null) throw new UserError(`write ${amount.text} without a sign; it counts for the worse in either direction`);
  return amount;
}

/** Backtracks to the last star only, hence in polynomial time. */
export function matches(glob: string, name: string): boolean {
  let [at, i, star, tried] = [0, 0, -1, 0];
  while (i < name.length) {
    if (glob[at] === '*') [star, tried] = [at++, i];
    else if (at < glob.length && (glob[at] === '?' || glob[at] === name[i])) [at, i] = [at + 1, i + 1];
    else if (star < 0) return false;
    else [at, i] = [star + 1, ++tried];
  }
  while (glob[at] === '*') at++;
  return at === glob.length;
}

/** Budgets of a scenario. */
export const budgetsFor = (scenario: string, budgets: readonly Budget[]): Budget[] =>
  budgets.filter((budget) => budget.scenario === undefined || matches(budget.scenario, scenario));

/** File and place of a budget; null from the command line. */
export function fileOf(budget: Budget): { readonly file: string; readonly line: number; readonly column: number } | null {
  const match = /^(.+):(\d+):(\d+)$/.exec(budget.place);
  return match === null ? null : { file: match[1]!, line: Number(match[2]), column: Number(match[3]) };
}

/** True if a budget names a single metric. */
export const isExact = (glob: string): boolean => !/[*?]/.test(glob);

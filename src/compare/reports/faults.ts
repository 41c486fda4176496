import { type Budget, fileOf } from '../../result/budget.js';
import type { Gate } from '../gate.js';
import { knowledgeWarning } from '../words.js';

/** Broken budget, or missing metric or scenario, with the budget's line, else the candidate's file. */
export type LocatedFault = Gate['faults'][number] & {
  readonly place: { readonly file: string; readonly line: number; readonly column: number };
};

/** Faults in order: errors, then missing scenarios, then by relative change. */
export function locatedFaults(gate: Gate): LocatedFault[] {
  const sized: { fault: LocatedFault; size: number }[] = [];
  for (const fault of gate.faults)
    sized.push({ fault: { ...fault, place: placeOf(fault.budget, fault.candidate) }, size: Number.MAX_VALUE });
  for (const comparison of gate.comparisons) {
    const { candidate, scenario, findings, rows } = comparison;
    const knows = knowledgeWarning(comparison);
    if (knows !== null) {
      const fault = { candidate, scenario, metric: null, level: 'warn' as const, message: knows, budget: null };
      sized.push({ fault: { ...fault, place: placeOf(null, candidate) }, size: 0 });
    }
    const relative = new Map(rows.map((row) => [row.metric, row.relative]));
    for (const finding of findings) {
      const change = relative.get(finding.metric) ?? null;
      const fault = { candidate, scenario, ...finding, place: placeOf(finding.budget, candidate) };
      sized.push({ fault, size: change === null ? Number.MAX_VALUE : Math.abs(change) });
    }
  }
  const rank = (level: LocatedFault['level']): number => Number(level === 'warn');
  return sized.sort((a, b) => rank(a.fault.level) - rank(b.fault.level) || b.size - a.size).map(({ fault }) => fault);
}

const placeOf = (budget: Budget | null, candidate: string): LocatedFault['place'] =>
  (budget === null ? null : fileOf(budget)) ?? { file: candidate, line: 1, column: 1 };

/** Message followed by its budget's place. */
export const placedText = (message: string, budget: Budget | null): string => (budget === null ? message : `${message} (${budget.place})`);

/** `latency.tpot.p50 of code`, or `scenario code`. */
export const subjectOf = ({ metric, scenario }: Pick<LocatedFault, 'metric' | 'scenario'>): string =>
  metric === null ? `scenario ${scenario}` : `${metric} of ${scenario}`;

import { type Format, toCsv } from '../../report/door.js';
import type { Gate } from '../gate.js';
import { knowledgeWarning } from '../words.js';
import { placedText } from './faults.js';

const HEAD = [
  ...['base', 'candidate', 'scenario', 'metric', 'unit', 'better', 'kind', 'base_value', 'candidate_value'],
  ...['change', 'relative', 'direction', 'verdict', 'p', 'note'],
];

/** A row per changed metric or missing scenario; values in the row's unit. */
export const csvFormat: Format<Gate> = {
  name: 'csv',
  extensions: ['.csv'],
  render: (gate) => {
    const rows = gate.comparisons.flatMap(({ base, candidate, scenario, rows: changed }) =>
      changed.map((row) => {
        const { unit, better, kind } = row.candidate ?? row.base!;
        const values = [row.base?.value ?? '', row.candidate?.value ?? '', row.change ?? '', row.relative ?? ''];
        const judged = [row.direction, row.verdict, row.test?.p ?? '', row.reason ?? ''];
        return [...[base, candidate, scenario, row.metric, unit, better, kind], ...values, ...judged];
      }),
    );
    const warned = gate.comparisons.flatMap(({ base, candidate, scenario, rows: changed, findings }) =>
      findings
        .map((finding) => [base, candidate, scenario, finding.metric, ...faultCells(finding)] as const)
        .filter(([, , , metric, ...cells]) => !changed.some((row) => row.metric === metric && cells.includes(row.verdict))),
    );
    const unlike = gate.comparisons.flatMap((comparison) => {
      const { base, candidate, knowledge, scenario } = comparison;
      if (knowledge === null) return [];
      const known = [knowledge.base, knowledge.candidate, '', '', 'neutral', 'warn', '', knowledgeWarning(comparison)];
      return [[base, candidate, scenario, 'knowledge', '', '', '', ...known]];
    });
    const faults = gate.faults.map((fault) => ['', fault.candidate, fault.scenario, fault.metric ?? '', ...faultCells(fault)]);
    return toCsv([HEAD, ...rows, ...warned, ...unlike, ...faults]);
  },
};

function faultCells({ budget, level, message }: Pick<Gate['faults'][number], 'budget' | 'level' | 'message'>): string[] {
  const direction = message.startsWith('is missing') ? 'missing' : 'neutral';
  return ['', '', '', '', '', '', '', direction, level === 'error' ? 'fail' : 'warn', '', placedText(message, budget)];
}

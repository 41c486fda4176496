import { type Format, printable } from '../../report/door.js';
import type { Comparison } from '../compare.js';
import type { Gate } from '../gate.js';
import { knowledgeWarning, rowChange, valueText } from '../words.js';
import { placedText } from './faults.js';

interface Case {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Reason of a failure or skip; note of a passed case. */
  readonly text: string;
}

interface Suite {
  readonly name: string;
  readonly className: string;
  readonly cases: readonly Case[];
}

/** A suite per comparison, a case per metric held by a budget. */
export const junitFormat: Format<Gate> = {
  name: 'junit',
  extensions: ['.xml'],
  render: (gate) => {
    const suites = [...gate.comparisons.map(suiteOf), ...scenarioSuite(gate)];
    const all = suites.flatMap(({ cases }) => cases);
    const body = suites.map(suiteXml).join('');
    return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="moeprof compare" ${counts(all)}>\n${body}</testsuites>\n`;
  },
};

function suiteOf(comparison: Comparison): Suite {
  const { base, candidate, scenario, rows, held, findings } = comparison;
  const judged = new Map(rows.filter(({ verdict }) => verdict !== 'none').map((row) => [row.metric, row]));
  const names = [...new Set([...findings.map(({ metric }) => metric), ...judged.keys(), ...held])];
  const cases = names.map((name): Case => {
    const found = findings.filter(({ metric }) => metric === name);
    const row = judged.get(name);
    const says = found.map(({ message, budget }) => placedText(message, budget)).join('\n');
    if (found.some(({ level }) => level === 'error')) return { name, outcome: 'failed', text: says };
    if (row?.verdict === 'off') return { name, outcome: 'skipped', text: placedText(row.reason ?? 'off', found[0]?.budget ?? null) };
    if (found.length > 0) return { name, outcome: 'passed', text: `warning: ${says}` };
    return {
      name,
      outcome: 'passed',
      text: row === undefined ? '' : `${valueText(row, 'base')} -> ${valueText(row, 'candidate')} ${rowChange(row)}`,
    };
  });
  const comparable: Case = { name: 'inputs are comparable', outcome: 'passed', text: '' };
  const knows = knowledgeWarning(comparison);
  const unlike: Case[] = knows === null ? [] : [{ name: 'the runs know the same', outcome: 'passed', text: `warning: ${knows}` }];
  return { name: `${base} -> ${candidate}`, className: scenario, cases: [comparable, ...unlike, ...cases] };
}

function scenarioSuite({ faults, added }: Gate): Suite[] {
  const failed = faults.map(({ budget, scenario, metric, level, message: plain }): Case => {
    const name = metric === null ? scenario : `${scenario}: ${metric}`;
    const message = placedText(plain, budget);
    return level === 'error' ? { name, outcome: 'failed', text: message } : { name, outcome: 'passed', text: `warning: ${message}` };
  });
  const fresh = added.map(({ scenario }): Case => ({ name: scenario, outcome: 'passed', text: 'new: it has no base yet' }));
  return failed.length + fresh.length === 0 ? [] : [{ name: 'scenarios', className: 'scenarios', cases: [...failed, ...fresh] }];
}

function suiteXml({ name, className, cases }: Suite): string {
  const body = cases.map((testCase) => caseXml(testCase, className)).join('');
  // Jenkins' schema counts skipped cases by suite, without a total.
  return `  <testsuite name="${xml(name)}" ${counts(cases)} skipped="${countOf(cases, 'skipped')}">\n${body}  </testsuite>\n`;
}

function caseXml({ name, outcome, text }: Case, className: string): string {
  const open = `    <testcase classname="${xml(`moeprof.${className}`)}" name="${xml(name)}" time="0"`;
  const first = text.split('\n')[0]!;
  if (outcome === 'failed')
    return `${open}>\n      <failure type="budget" message="${xml(first)}">${xml(text)}</failure>\n    </testcase>\n`;
  if (outcome === 'skipped') return `${open}>\n      <skipped message="${xml(first)}"/>\n    </testcase>\n`;
  return text === '' ? `${open}/>\n` : `${open}>\n      <system-out>${xml(text)}</system-out>\n    </testcase>\n`;
}

const counts = (cases: readonly Case[]): string => `tests="${cases.length}" failures="${countOf(cases, 'failed')}" errors="0" time="0"`;

const countOf = (cases: readonly Case[], outcome: Case['outcome']): number =>
  cases.filter((testCase) => testCase.outcome === outcome).length;

const xml = (text: string): string =>
  text
    .split('\n')
    .map(printable)
    .join('\n')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;');

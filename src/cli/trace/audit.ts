import type { Command } from 'commander';
import { EXIT } from '../../base/errors.js';
import { formatCounted } from '../../base/units.js';
import { type Document, type Facts, gridOf, type Lines, note, pagedFormats } from '../../report/door.js';
import { type AuditFinding, auditChecks, auditTrace } from '../../trace/audit/index.js';
import type { CliContext } from '../kit/context.js';
import { subcommand } from '../kit/declared.js';
import type { Switches, TraceFlags } from '../kit/options.js';
import { deliver, type OutputOptions } from '../kit/outputs.js';
import { describeTrace, identityOf, type TraceIdentity, withNamed } from './open.js';

type Flags = TraceFlags & OutputOptions & Switches<'strict'>;

interface Audit {
  readonly schema: 'moeprof.trace-audit/1';
  readonly trace: TraceIdentity;
  readonly checks: readonly string[];
  readonly findings: readonly AuditFinding[];
}

const auditDocument = ({ checks, findings, trace }: Audit): Document => ({
  title: trace.path,
  answer: findings.length === 0 ? `${trace.path}: nothing was found` : `${trace.path}: ${formatCounted(findings.length, 'finding')}`,
  lead: [{ text: describeTrace(trace) }],
  blocks: [
    ...auditBlocks(findings, checks.length),
    { kind: 'facts', indent: 18, facts: auditChecks.map(({ code, summary }) => [code, summary]), detail: 'verbose' },
  ],
  records: gridOf(
    ['code', 'level', 'what', 'effect', 'mend'],
    findings.map(({ code, effect, fix, level, what }) => [code, level, what, effect, fix]),
  ),
});
const formats = pagedFormats('moeprof trace audit', auditDocument);

/** `moeprof trace audit`: finds traps that falsify a trace. */
export function defineAudit(parent: Command, context: CliContext): void {
  subcommand(parent, 'audit', { formats }).action((path: string, flags: Flags) =>
    deliver(context, formats, flags, () =>
      withNamed(path, flags, (trace, model) => {
        const findings = auditTrace(trace, model === null ? {} : { model });
        if (flags.strict === true && findings.some(({ level }) => level === 'warning')) context.setExitCode(EXIT.input);
        return {
          schema: 'moeprof.trace-audit/1' as const,
          trace: identityOf(trace),
          checks: auditChecks.map(({ code }) => code),
          findings,
        };
      }),
    ),
  );
}

/** Verdict and findings. @param checks number of checks */
export function auditBlocks(findings: readonly AuditFinding[], checks = auditChecks.length): (Lines | Facts)[] {
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  const verdict =
    warnings > 0
      ? note(`${warnings} of ${checks} checks found something that falsifies results`, 'caution')
      : note(`clean: ${checks} checks found nothing that would falsify a result`, 'good');
  return [verdict, ...findings.map(findingFacts)];
}

const findingFacts = ({ code, effect, fix, level, what }: AuditFinding): Facts => ({
  kind: 'facts',
  title: { text: code, tone: level === 'warning' ? 'warning' : 'info' },
  facts: [
    ['  what', what],
    ['  effect', effect],
    ['  mend', fix],
  ],
  indent: 10,
});

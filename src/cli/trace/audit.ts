import type { Command } from 'commander';
import { EXIT } from '../../base/errors.js';
import { formatCounted } from '../../base/units.js';
import { type Document, type Facts, gridOf, type Lines, note, pagedFormats } from '../../report/door.js';
import { type AuditFinding, auditChecks, auditTrace } from '../../trace/audit/index.js';
import type { CliContext } from '../kit/context.js';
import { type OptionsOf, options, subcommand } from '../kit/declared.js';
import { htmlPage, output, TRACE } from '../kit/groups.js';
import { deliver } from '../kit/outputs.js';
import { describeTrace, identityOf, type TraceIdentity, withNamed } from './open.js';

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

const AUDIT = options({
  '<trace>': 'a file in any known format, - for JSONL on stdin, or a bundled trace',
  '--strict': 'fail with exit code 2 where there is a warning',
  ...TRACE,
  ...output(formats),
  ...htmlPage('write a page for a browser'),
});

const AUDIT_HELP = `The same audit precedes every moeprof run; its findings become warnings of the
result, and with --strict errors. What a finding means: moeprof explain <name>.
Duplicate experts and ids out of range are refused when a file is read.

Examples:
  moeprof trace audit routing.safetensors
  moeprof trace audit replies.jsonl -m qwen3-30b-a3b --strict`;

/** `moeprof trace audit`: traps that falsify a trace. */
export function defineAudit(parent: Command, context: CliContext): void {
  subcommand(parent, 'audit', AUDIT, {
    help: AUDIT_HELP,
    first: ['-m', '--strict', '-o'],
    summary: 'whether a trace can be trusted: ten traps that falsify results',
    description: 'Looks for traps in a trace that would silently falsify a result.',
  }).action((path: string, flags: OptionsOf<typeof AUDIT>) =>
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

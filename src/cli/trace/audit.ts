// `moeprof trace audit`: whether a trace can be trusted.
import type { Command } from 'commander';
import { EXIT } from '../../base/errors.js';
import { type Format, printable, type ReportOptions } from '../../report/format.js';
import { toJson } from '../../report/json.js';
import { escapeMarkdown } from '../../report/markdown.js';
import { palette, widthOf, wrap } from '../../report/text.js';
import { auditChecks, auditTrace, type Finding } from '../../trace/audit/index.js';
import type { CliContext } from '../context.js';
import { addOutputOptions, type OutputOptions, stdoutFormat } from '../options.js';
import { Outputs } from '../outputs.js';
import { addTraceOptions, describeTrace, identityOf, openNamed, type TraceFlags, type TraceIdentity } from './open.js';

interface Flags extends TraceFlags, OutputOptions {
  readonly strict?: boolean;
}

/** What an audit says. */
interface Audit {
  readonly schema: 'moeprof.trace-audit/1';
  readonly trace: TraceIdentity;
  readonly checks: readonly string[];
  readonly findings: readonly Finding[];
}

const EXAMPLES = `
The same audit precedes every moeprof run; its findings become warnings of the
result, and with --strict errors. What a finding means: moeprof explain <name>.
Duplicate experts and ids out of range are refused when a file is read.

Examples:
  moeprof trace audit routing.safetensors
  moeprof trace audit replies.jsonl -m qwen3-30b-a3b --strict
`;

const table: Format<Audit> = {
  name: 'table',
  summary: 'for reading, in a terminal or a text file',
  extensions: ['.txt'],
  render: renderTable,
};

const json: Format<Audit> = { name: 'json', summary: 'everything, for tools', extensions: ['.json'], render: (audit) => toJson(audit) };

const markdown: Format<Audit> = {
  name: 'markdown',
  summary: 'for issues and wikis',
  extensions: ['.md', '.markdown'],
  render: ({ checks, findings, trace }) =>
    `${[
      `## ${escapeMarkdown(printable(trace.path))}`,
      `${escapeMarkdown(describeTrace(trace))}.`,
      `${verdict(findings, checks)}.`,
      ...findings.map(
        ({ code, effect, fix, level, what }) => `- **${code}** (${level}): ${[what, effect, fix].map(escapeMarkdown).join(' ')}`,
      ),
    ].join('\n\n')}\n`,
};

const formats: readonly Format<Audit>[] = [table, json, markdown];

/** Defines the subcommand. */
export function defineAudit(parent: Command, context: CliContext): void {
  const command = parent
    .command('audit')
    .summary('whether a trace can be trusted: ten traps that falsify results')
    .description('Looks for traps in a trace that would silently falsify a result.')
    .argument('<trace>', 'a file in any known format, - for JSONL on stdin, or a bundled trace')
    .option('--strict', 'fail with exit code 2 where there is a warning');
  addOutputOptions(addTraceOptions(command), formats)
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, flags: Flags) => {
      const outputs = Outputs.open(context, formats, flags.output, stdoutFormat(flags));
      try {
        const { model, trace } = await openNamed(path, flags);
        try {
          const findings = auditTrace(trace, model === null ? {} : { model });
          outputs.deliver({
            schema: 'moeprof.trace-audit/1',
            trace: identityOf(trace),
            checks: auditChecks.map(({ code }) => code),
            findings,
          });
          if (flags.strict === true && findings.some(({ level }) => level === 'warning')) context.setExitCode(EXIT.input);
        } finally {
          trace.close();
        }
      } finally {
        outputs.abort();
      }
    });
}

function verdict(findings: readonly Finding[], checks: readonly string[]): string {
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  if (warnings > 0) return `${warnings} of ${checks.length} checks found something that falsifies results`;
  return `clean: ${checks.length} checks found nothing that would falsify a result`;
}

function renderTable({ checks, findings, trace }: Audit, options: ReportOptions): string {
  const chalk = palette(options);
  const width = widthOf(options);
  const warned = findings.some(({ level }) => level === 'warning');
  const blocks = [
    [chalk.bold(wrap(printable(trace.path), width)), chalk.dim(wrap(describeTrace(trace), width))].join('\n'),
    (warned ? chalk.yellow : chalk.green)(verdict(findings, checks)),
    ...findings.map(({ code, effect, fix, level, what }) =>
      [
        (level === 'warning' ? chalk.yellow : chalk.cyan)(`${level === 'warning' ? '!' : 'i'} ${code}`),
        wrap(printable(what), width, '  what    ', '          '),
        wrap(printable(effect), width, '  effect  ', '          '),
        wrap(printable(fix), width, '  mend    ', '          '),
      ].join('\n'),
    ),
    ...(options.verbose ? [auditChecks.map(({ code, summary }) => wrap(summary, width, code.padEnd(18))).join('\n')] : []),
  ];
  return `${blocks.join('\n\n')}\n`;
}

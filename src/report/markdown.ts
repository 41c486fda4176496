// The report for pull requests, issues and wikis: GitHub's Markdown, with all metrics folded away below the answer.
import { formatNs, formatRatio } from '../base/units.js';
import { compareMetricNames, METRICS } from '../result/catalogue.js';
import type { Result } from '../result/result.js';
import { type Format, formatMetric, type ReportOptions } from './format.js';
import { type Grid, layerGrid, summarizeResult } from './summary.js';

/** Markdown of a result. */
export const markdownReport: Format<Result> = {
  name: 'markdown',
  summary: 'for pull requests, issues and wikis',
  extensions: ['.md', '.markdown'],
  render: renderMarkdown,
};

function renderMarkdown(result: Result, options: ReportOptions): string {
  const summary = summarizeResult(result);
  const names = Object.keys(result.metrics).sort(compareMetricNames);
  const metrics = {
    head: ['metric', 'value', 'meaning'],
    rows: names.map((name) => [name, formatMetric(result.metrics[name]!), METRICS.get(name)?.meaning ?? '']),
  };
  const blocks = [
    `## ${escapeMarkdown(summary.title)}`,
    `${escapeMarkdown(summary.origin)}.`,
    ...(summary.synthetic === null ? [] : [`> ${escapeMarkdown(summary.synthetic)}`]),
    markdownTable(summary.cache),
    ...(summary.latency === null ? [] : [markdownTable(summary.latency)]),
    summary.facts.map(([label, text]) => `- **${label}**: ${escapeMarkdown(text)}`).join('\n'),
    ...(summary.time === null
      ? []
      : [
          markdownTable({
            head: ['where the time goes', ...summary.time.parts.map((part) => part.label), 'total'],
            rows: [['share', ...summary.time.parts.map((part) => formatRatio(part.share)), formatNs(summary.time.totalNs)]],
          }),
          ...(summary.time.cpu === null ? [] : [summary.time.cpu]),
        ]),
    ...(summary.bounds.length === 0
      ? []
      : [
          markdownTable({
            head: ['bounds', 'no cache', 'this run', 'best', 'closes'],
            rows: summary.bounds.map((row) => [
              row.label,
              row.worst,
              row.own,
              `${row.best} (${row.bound})`,
              `${formatRatio(row.closed)} of the gap`,
            ]),
          }),
        ]),
    ...summary.warnings.map(({ code, message }) => `> **${escapeMarkdown(code)}**: ${escapeMarkdown(message)}`),
    details('All metrics', markdownTable(metrics, [0, 2])),
    ...(options.verbose ? [details('By layer', markdownTable(layerGrid(result)))] : []),
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** A folded block. */
export function details(title: string, body: string): string {
  return `<details><summary>${escapeMarkdown(title)}</summary>\n\n${body}\n\n</details>`;
}

/** A table; cells are escaped. Columns of figures are aligned right, those of text (`left`) are not. */
export function markdownTable({ head, rows }: Grid, left: readonly number[] = [0]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (left.includes(column) ? '---' : '---:'));
  return [line(head.map(escapeMarkdown)), line(rule), ...rows.map((row) => line(row.map(escapeMarkdown)))].join('\n');
}

/** Text that Markdown shows as it stands: no markup, no HTML, no new line. An underscore inside a word is not markup. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*[\]|~#!]/g, '\\$&')
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\_');
}

// Several runs of the same workload side by side, best first, each with what makes it slower than the best: `moeprof run -s a,b,c`.
import { formatBytes, formatCount, formatNs, formatRatio } from '../base/units.js';
import { tokensRun } from '../result/ran.js';
import type { Result } from '../result/result.js';
import { toCsv } from './csv.js';
import { type Format, formatDelta, type ReportOptions } from './format.js';
import { toJson } from './json.js';
import { markdownTable } from './markdown.js';
import { palette, ruledTable, widthOf, wrap } from './text.js';

/** One run of a ranking. */
interface Ranked {
  readonly result: Result;
  readonly name: string;
  /** What the ranking goes by: mean time per token of the run, ns. */
  readonly nsPerToken: number;
  /** Why it is slower than the best; empty for the best itself. */
  readonly reason: string;
}

/** Time that a run spends on something, per token of the run, ns. */
function perToken(result: Result, name: string): number {
  return metricOf(result, name) / tokensRun(result);
}

function metricOf(result: Result, name: string): number {
  return result.metrics[name]?.value ?? 0;
}

/** Best first: least time per token; ties keep the order in which they were named. */
export function rank(results: readonly Result[]): Ranked[] {
  const sorted = results
    .map((result) => ({ result, nsPerToken: perToken(result, 'time.total') }))
    .sort((a, b) => a.nsPerToken - b.nsPerToken);
  const best = sorted[0]?.result;
  const machines = new Set(results.map(({ inputs }) => inputs.hardware)).size > 1;
  const systems = new Set(results.map(({ inputs }) => inputs.system)).size > 1;
  return sorted.map(({ result, nsPerToken }) => {
    const { hardware, system } = result.inputs;
    const name = machines && systems ? `${system} on ${hardware}` : machines ? hardware : system;
    return { result, name, nsPerToken, reason: result === best ? '' : reasonOf(best!, result) };
  });
}

/** Where the time goes that the best does not spend, the largest part first, and what lies behind a stall. */
function reasonOf(best: Result, other: Result): string {
  const parts = [
    { name: 'stall', delta: perToken(other, 'time.stall') - perToken(best, 'time.stall') },
    { name: 'experts', delta: perToken(other, 'time.compute') - perToken(best, 'time.compute') },
    { name: 'dense', delta: perToken(other, 'time.dense') - perToken(best, 'time.dense') },
  ];
  const [largest] = parts.filter(({ delta }) => delta > 0).sort((a, b) => b.delta - a.delta);
  if (largest === undefined) return 'no slower in any part';
  const said = `+${formatNs(largest.delta)} ${largest.name} a token`;
  if (largest.name !== 'stall') return said;
  const behind: string[] = [];
  const hits = metricOf(other, 'cache.hit_rate') - metricOf(best, 'cache.hit_rate');
  if (Math.abs(hits) >= 0.0005) behind.push(`${formatDelta(hits, 'ratio')} hits`);
  const bytes = metricOf(other, 'transfer.h2d.bytes_per_token') - metricOf(best, 'transfer.h2d.bytes_per_token');
  if (Math.abs(bytes) >= 1) behind.push(`${bytes > 0 ? '+' : '-'}${formatBytes(Math.abs(bytes))} a token`);
  const cpu = perToken(other, 'time.cpu') - perToken(best, 'time.cpu');
  if (cpu > 0) behind.push(`+${formatNs(cpu)} CPU a token`);
  return behind.length === 0 ? said : `${said}: ${behind.join(', ')}`;
}

const HEAD = ['', 'a token', 'tok/s', 'hit rate', 'GB/token', 'stall'];

function cells({ name, nsPerToken, result }: Ranked): string[] {
  return [
    name,
    formatNs(nsPerToken),
    (1e9 / nsPerToken).toFixed(1),
    formatRatio(metricOf(result, 'cache.hit_rate')),
    (metricOf(result, 'transfer.h2d.bytes_per_token') / 1e9).toFixed(3),
    formatRatio(metricOf(result, 'share.stall')),
  ];
}

function title(result: Result): string {
  const { inputs } = result;
  const routing = inputs.traces.map(({ path, synthetic }) => (synthetic ? 'synthetic routing' : path)).join(', ');
  return `${inputs.model} ${inputs.quantization}, ${formatCount(tokensRun(result))} tokens of ${routing}`;
}

const rankingTable: Format<readonly Result[]> = {
  name: 'table',
  summary: 'best first, with the reason of each difference',
  extensions: ['.txt'],
  render(results, options: ReportOptions) {
    const ranked = rank(results);
    const color = palette(options);
    const width = widthOf(options);
    const lines = [color.bold(title(results[0]!)), '', ruledTable(HEAD, ranked.map(cells), options), ''];
    for (const { name, reason } of ranked) if (reason !== '') lines.push(wrap(reason, width, `${name}: `, '  '));
    const codes = new Set(ranked.flatMap(({ result }) => result.warnings.map(({ code }) => code)));
    for (const code of codes) {
      const names = ranked.filter(({ result }) => result.warnings.some((warning) => warning.code === code)).map(({ name }) => name);
      lines.push(wrap(names.length === ranked.length ? 'all' : names.join(', '), width, `! ${code}: `, '  '));
    }
    return `${lines.join('\n').trimEnd()}\n`;
  },
};

const rankingJson: Format<readonly Result[]> = {
  name: 'json',
  summary: 'the results as an array, best first',
  extensions: ['.json'],
  render: (results) => toJson(rank(results).map(({ result }) => result)),
};

const rankingMarkdown: Format<readonly Result[]> = {
  name: 'markdown',
  summary: 'the table for a pull request or a README',
  extensions: ['.md'],
  render: (results) =>
    `${markdownTable({ head: [...HEAD, 'why slower'], rows: rank(results).map((one) => [...cells(one), one.reason]) })}\n`,
};

const rankingCsv: Format<readonly Result[]> = {
  name: 'csv',
  summary: 'one row per run',
  extensions: ['.csv'],
  render: (results) =>
    toCsv([
      ['system', 'hardware', 'ns_per_token', 'hit_rate', 'h2d_bytes_per_token', 'stall_share', 'why_slower'],
      ...rank(results).map(({ nsPerToken, reason, result }) => [
        result.inputs.system,
        result.inputs.hardware,
        nsPerToken,
        metricOf(result, 'cache.hit_rate'),
        metricOf(result, 'transfer.h2d.bytes_per_token'),
        metricOf(result, 'share.stall'),
        reason,
      ]),
    ]),
};

/** Formats of a ranking, the one for reading first. */
export const rankingReports: readonly Format<readonly Result[]>[] = [rankingTable, rankingJson, rankingMarkdown, rankingCsv];

// Several runs of the same workload side by side, best first, each with what makes it slower than the best: `moeprof run -s a,b,c`.
import { formatBytes, formatCount, formatNs, formatRate } from '../base/units.js';
import type { Result } from '../result/result.js';
import { tokensRun } from '../result/work-done.js';
import { type Document, figure, grid, type Line, ratio } from './document/document.js';
import { documentFormats } from './document/formats.js';
import { formatDelta } from './format.js';

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

/** What a run spends its time on, per token, ns: the parts add up to the whole. */
function partsOf(result: Result): readonly (readonly [name: string, ns: number])[] {
  const parts = [
    ['stall', perToken(result, 'time.stall')],
    ['experts', perToken(result, 'time.compute')],
    ['dense', perToken(result, 'time.dense')],
    ['exchange between GPUs', perToken(result, 'time.all_to_all')],
  ] as const;
  const idle = parts.reduce((rest, [, ns]) => rest - ns, perToken(result, 'time.total'));
  return [...parts, ['between passes', idle]];
}

/** Where the time goes that the best does not spend, the largest part, and what lies behind a stall. */
function reasonOf(best: Result, other: Result): string {
  const before = partsOf(best);
  const [largest] = partsOf(other)
    .map(([name, ns], part) => ({ name, delta: ns - before[part]![1] }))
    .sort((a, b) => b.delta - a.delta);
  if (perToken(other, 'time.total') === perToken(best, 'time.total')) return 'as fast';
  const said = `+${formatNs(largest!.delta)} ${largest!.name} a token`;
  return largest!.name === 'stall' ? [said, behindStall(best, other)].filter((text) => text !== '').join(': ') : said;
}

/** What a run hits, moves and computes on the CPU, against the best. */
function behindStall(best: Result, other: Result): string {
  const said: string[] = [];
  const hits = metricOf(other, 'cache.hit_rate') - metricOf(best, 'cache.hit_rate');
  if (Math.abs(hits) >= 0.0005) said.push(`${formatDelta(hits, 'ratio')} hits`);
  for (const [link, from] of [
    ['h2d', ''],
    ['ssd', ' from the SSD'],
  ] as const) {
    const bytes = bytesPerToken(other, link) - bytesPerToken(best, link);
    if (Math.abs(bytes) >= 1) said.push(`${sign(bytes)}${formatBytes(Math.abs(bytes))} a token${from}`);
  }
  const [rate, bestRate] = [bytesPerSecond(other), bytesPerSecond(best)];
  if (other.inputs.hardware !== best.inputs.hardware && rate > 0 && bestRate > 0) {
    said.push(`at ${formatRate(rate)} instead of ${formatRate(bestRate)}`);
  }
  const cpu = perToken(other, 'time.cpu') - perToken(best, 'time.cpu');
  if (Math.abs(cpu) >= 1) said.push(`${sign(cpu)}${formatNs(Math.abs(cpu))} CPU a token`);
  return said.join(', ');
}

function sign(value: number): string {
  return value > 0 ? '+' : '-';
}

function bytesPerToken(result: Result, link: 'h2d' | 'ssd'): number {
  return metricOf(result, `transfer.${link}.bytes_per_token`);
}

/** Bytes that reach the GPU, from wherever experts come: a phone has flash below it, and no host memory. */
function movedPerToken(result: Result): number {
  const hasHost = result.metrics['transfer.h2d.bytes_per_token'] !== undefined;
  return bytesPerToken(result, hasHost ? 'h2d' : 'ssd');
}

/** What the link to the GPU moves while it is busy; 0: nothing. */
function bytesPerSecond(result: Result): number {
  const busyNs = metricOf(result, 'transfer.h2d.utilization') * metricOf(result, 'time.total');
  return busyNs === 0 ? 0 : metricOf(result, 'transfer.h2d.bytes') / (busyNs / 1e9);
}

/** Formats of a ranking, the one for reading first. */
export const rankingReports = documentFormats<readonly Result[]>(
  (results) => rankingDocument(titleOf(results[0]!), rank(results)),
  (results) => rank(results).map(({ result }) => result),
);

function rankingDocument(title: string, ranked: readonly Ranked[]): Document {
  return {
    title,
    blocks: [
      grid(ranked, [
        { head: '', of: ({ name }) => name, most: 'rest', only: ['terminal', 'markdown'] },
        { head: 'system', of: ({ result }) => result.inputs.system, only: ['csv'] },
        { head: 'hardware', of: ({ result }) => result.inputs.hardware, only: ['csv'] },
        { head: 'a token', name: 'ns_per_token', of: ({ nsPerToken }) => figure(nsPerToken, 'ns') },
        { head: 'tok/s', of: ({ nsPerToken }) => (1e9 / nsPerToken).toFixed(1), only: ['terminal', 'markdown'] },
        { head: 'hit rate', of: ({ result }) => ratio(metricOf(result, 'cache.hit_rate')) },
        { head: 'moved/token', name: 'moved_bytes_per_token', of: ({ result }) => figure(movedPerToken(result), 'bytes') },
        { head: 'stall', name: 'stall_share', of: ({ result }) => ratio(metricOf(result, 'share.stall')) },
        { head: 'why slower', of: ({ reason }) => reason, only: ['markdown', 'csv'] },
      ]),
      { kind: 'lines', lines: [...reasons(ranked), ...warnings(ranked)], only: ['terminal'] },
      { kind: 'lines', lines: warnings(ranked), only: ['markdown'] },
    ],
  };
}

function reasons(ranked: readonly Ranked[]): Line[] {
  return ranked.filter(({ reason }) => reason !== '').map(({ name, reason }) => ({ text: `${name}: ${reason}`, tone: 'item' }));
}

/** Each warning once, with the runs that have it. */
function warnings(ranked: readonly Ranked[]): Line[] {
  const codes = new Set(ranked.flatMap(({ result }) => result.warnings.map(({ code }) => code)));
  return [...codes].map((code) => {
    const names = ranked.filter(({ result }) => result.warnings.some((warning) => warning.code === code)).map(({ name }) => name);
    return { label: code, text: names.length === ranked.length ? 'all' : names.join(', '), tone: 'warning' };
  });
}

function titleOf(result: Result): string {
  const { inputs } = result;
  const routing = inputs.traces.map(({ path, synthetic }) => (synthetic ? 'synthetic routing' : path)).join(', ');
  return `${inputs.model} ${inputs.quantization}, ${formatCount(tokensRun(result))} tokens of ${routing}`;
}

// Several runs of the same workload side by side, best first, each with what makes it slower than the best: `moeprof run -s a,b,c`.
import { formatBytes, formatCount, formatNs, formatRate } from '../base/units.js';
import { KNOWLEDGE, markOf } from '../result/knowledge.js';
import type { Result } from '../result/result.js';
import { tokensRun } from '../result/work-done.js';
import { type Document, figure, type Grid, grid, type Line, ratio } from './document/document.js';
import { documentFormats } from './document/formats.js';
import { bareRate, formatDelta } from './format.js';
import { type Phase, phaseTime } from './phase-time.js';
import { changedParts } from './summary.js';

/** One run of a ranking. */
interface Ranked {
  readonly result: Result;
  readonly name: string;
  /** Tokens per second of a request (L21); null where the run has no such phase. */
  readonly decode: number | null;
  readonly prefill: number | null;
  /** Why it is slower than the best; empty for the best itself. */
  readonly reason: string;
}

function metricOf(result: Result, name: string): number {
  return result.metrics[name]?.value ?? 0;
}

function speedOf(result: Result, phase: Phase): number | null {
  return result.metrics[`speed.${phase}`]?.value ?? null;
}

/** What a ranking goes by: decode speed, or prefill speed where nothing is decoded. */
function phaseRanked(results: readonly Result[]): Phase {
  return results.some((result) => speedOf(result, 'decode') !== null) ? 'decode' : 'prefill';
}

/** True where the machine has the memory that the run takes. */
function fits({ warnings }: Result): boolean {
  return !warnings.some(({ code }) => code === 'does-not-fit');
}

/** Fastest first, those that do not fit their machine behind all others; ties keep the order in which they were named. */
export function rank(results: readonly Result[]): Ranked[] {
  const phase = phaseRanked(results);
  const sorted = [...results].sort((a, b) => Number(fits(b)) - Number(fits(a)) || (speedOf(b, phase) ?? 0) - (speedOf(a, phase) ?? 0));
  const best = sorted[0]!;
  const machines = new Set(results.map(({ inputs }) => inputs.hardware)).size > 1;
  const systems = new Set(results.map(({ inputs }) => inputs.system)).size > 1;
  return sorted.map((result) => {
    const { hardware } = result.inputs;
    const system = result.inputs.system + changedParts(result);
    const name = machines && systems ? `${system} on ${hardware}` : machines ? hardware : system;
    const speeds = { decode: speedOf(result, 'decode'), prefill: speedOf(result, 'prefill') };
    return {
      result,
      name,
      ...speeds,
      reason: (speedOf(result, phase) ?? 0) > (speedOf(best, phase) ?? 0) || result === best ? '' : reasonOf(phase, best, result),
    };
  });
}

/** What a token of a request takes in a phase, by what its passes spend it on, ns: the parts add up to the whole. */
interface TokenTime {
  readonly wholeNs: number;
  readonly parts: readonly (readonly [name: string, ns: number])[];
  readonly cpuNs: number;
}

/**
 * A pass that only generates gives each of its requests a token, or as many as drafts bring; a prompt has many in a pass. What is left is time
 * between such passes.
 */
function tokenTime(phase: Phase, result: Result): TokenTime {
  const wholeNs = 1e9 / (speedOf(result, phase) ?? Number.NaN);
  const time = phaseTime(result, phase);
  if (time === null) return { wholeNs, parts: [], cpuNs: 0 };
  const tokensPerPass = result.metrics['speculation.tokens_per_pass']?.value ?? 1;
  const tokens = phase === 'decode' ? time.passes * tokensPerPass : tokensRun(result);
  const nsOf = (label: string): number => (time.parts.find((part) => part.label === label)?.ns ?? 0) / tokens;
  const parts = [
    ['stall', nsOf('stall')],
    ['waiting for the CPU', nsOf('CPU')],
    ['experts', nsOf('experts')],
    ['dense', nsOf('dense')],
    ['exchange between GPUs', nsOf('all-to-all')],
  ] as const;
  const between = parts.reduce((rest, [, ns]) => rest - ns, wholeNs);
  return { wholeNs, parts: [...parts, ['prompts and pauses', between]], cpuNs: time.cpuNs / tokens };
}

/** Where the time of a token goes that the best does not spend, the largest part, and what lies behind a stall. */
function reasonOf(phase: Phase, best: Result, other: Result): string {
  const [before, after] = [tokenTime(phase, best), tokenTime(phase, other)];
  if (after.wholeNs === before.wholeNs) return 'as fast';
  const [largest] = after.parts
    .map(([name, ns], part) => ({ name, delta: ns - (before.parts[part]?.[1] ?? 0) }))
    .sort((a, b) => b.delta - a.delta);
  if (largest === undefined) return '';
  const said = `+${formatNs(largest.delta)} ${largest.name} a token`;
  if (largest.name !== 'stall') return said;
  return [said, behindStall(phase, best, other, after.cpuNs - before.cpuNs)].filter((text) => text !== '').join(': ');
}

/** What a run hits, moves and computes on the CPU (`cpuNs` more a token), against the best. */
function behindStall(phase: Phase, best: Result, other: Result, cpuNs: number): string {
  const said: string[] = [];
  const hitsOf = (result: Result): number => result.metrics[`cache.hit_rate.${phase}`]?.value ?? metricOf(result, 'cache.hit_rate');
  const hits = hitsOf(other) - hitsOf(best);
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
  if (Math.abs(cpuNs) >= 1) said.push(`${sign(cpuNs)}${formatNs(Math.abs(cpuNs))} CPU a token`);
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
export const rankingReports = documentFormats<readonly Result[]>(rankingDocument, (results) => rank(results).map(({ result }) => result));

/** A ranking as a document. */
export function rankingDocument(results: readonly Result[]): Document {
  const ranked = rank(results);
  const whole = rankingGrid(ranked);
  const fitting = ranked.filter(({ result }) => fits(result));
  const others = ranked.slice(fitting.length);
  return {
    title: titleOf(results[0]!),
    lead: [{ text: orderOf(ranked) }],
    blocks: [
      ...(others.length === 0 ? byKnowledge(ranked, whole) : byKnowledge(fitting, part(whole, 0, fitting.length))),
      ...(others.length === 0 ? [] : [{ ...part(whole, fitting.length, ranked.length), title: NO_ROOM }]),
      { kind: 'lines', lines: [...reasons(ranked), ...common(ranked)], only: ['terminal'] },
      { kind: 'lines', lines: common(ranked), only: ['markdown'] },
    ],
    records: whole,
  };
}

/** Heading of runs that could not be. */
const NO_ROOM = 'do not fit their machine: figures as if it had the memory';

/** Rows of a grid, in columns as wide as those of all. */
function part(whole: Grid, from: number, to: number): Grid {
  const columns = whole.columns.map((column, index) => ({ ...column, width: widthOf(whole, index) }));
  return { ...whole, columns, rows: whole.rows.slice(from, to) };
}

/** Runs that know equally much, under a heading of their own (L17), in columns that stand under each other; one grid where all know nothing. */
function byKnowledge(ranked: readonly Ranked[], whole: Grid): Grid[] {
  const knows = ranked.map(({ result }) => result.knowledge?.most ?? 'nothing');
  if (ranked.length === 0) return [];
  if (knows.every((known) => known === 'nothing')) return [whole];
  const columns = whole.columns.map((column, index) => ({ ...column, width: widthOf(whole, index) }));
  return KNOWLEDGE.flatMap((known) => {
    const rows = whole.rows.filter((_, row) => knows[row] === known);
    const title = headingOf(ranked.filter((_, row) => knows[row] === known));
    return rows.length === 0 ? [] : [{ ...whole, columns, rows, title }];
  });
}

/** The mark that some runs have in common; where marks differ, whose they are. */
function headingOf(ranked: readonly Ranked[]): string {
  const marks = ranked.map(({ result }) => markOf(result) ?? 'knows only what has happened');
  const different = [...new Set(marks)];
  if (different.length <= 1) return different[0] ?? '';
  const those = (mark: string): string[] => ranked.filter((_, index) => marks[index] === mark).map(({ name }) => name);
  return different.map((mark) => `${mark} (${those(mark).join(', ')})`).join('; ');
}

/** Columns that the longest text takes. */
function widthOf({ columns, rows }: Grid, index: number): number {
  return Math.max(columns[index]!.head.length, ...rows.map((row) => row[index]!.text.length));
}

function rankingGrid(ranked: readonly Ranked[]): Grid {
  // What 80 % of comparable measurements keep, where there are some.
  const banded = ranked.some(({ result }) => (result.accuracy?.decode ?? null) !== null);
  return grid(ranked, [
    { head: '', of: ({ name }) => name, most: 'rest', only: ['terminal', 'markdown'] },
    { head: 'system', of: ({ result }) => result.inputs.system, only: ['csv'] },
    { head: 'hardware', of: ({ result }) => result.inputs.hardware, only: ['csv'] },
    { head: 'decode', name: 'speed.decode', of: ({ decode }) => bareRate(decode) },
    ...(banded
      ? [{ head: '±', name: 'accuracy.decode', of: ({ result }: Ranked) => ratio(result.accuracy?.decode?.halfWidth ?? null) }]
      : []),
    { head: 'prefill', name: 'speed.prefill', of: ({ prefill }) => bareRate(prefill) },
    { head: 'hit rate', of: ({ result }) => ratio(metricOf(result, 'cache.hit_rate')) },
    { head: 'moved/token', name: 'moved_bytes_per_token', of: ({ result }) => figure(movedPerToken(result), 'bytes') },
    { head: 'waits', name: 'stall_share', of: ({ result }) => ratio(metricOf(result, 'share.stall')) },
    { head: 'why slower', of: ({ reason }) => reason, only: ['markdown', 'csv'] },
    { head: 'notes', align: 'left', of: (row) => notesOf(row.result).join('; '), only: ['markdown', 'csv'] },
    { head: 'knows', name: 'knowledge', of: ({ result }) => result.knowledge?.most ?? 'nothing', only: ['csv'] },
    { head: 'mark', align: 'left', of: ({ result }) => markOf(result), only: ['markdown', 'csv'] },
  ]);
}

/** What the order is by, and what the figures are in. */
function orderOf(ranked: readonly Ranked[]): string {
  const phase = phaseRanked(ranked.map(({ result }) => result));
  const [by, why] = phase === 'decode' ? ['decode', ''] : ['prefill', ', since nothing is decoded'];
  return `fastest ${by} first (speed.${by}, tok/s for each request)${why}`;
}

/** What makes each run slower than the best, and what is to be known of it alone. */
function reasons(ranked: readonly Ranked[]): Line[] {
  const all = new Set(sharedNotes(ranked));
  return ranked.flatMap(({ name, reason, result }) => {
    const said = [reason, ...notesOf(result).filter((note) => !all.has(note))].filter((text) => text !== '');
    return said.length === 0 ? [] : [{ text: `${name}: ${said.join('; ')}`, tone: 'item' as const }];
  });
}

/** Warnings as words in a row; what stands under the title or in a heading is left out. */
const WORDS: Readonly<Record<string, string>> = {
  'below-token-cycle': 'the cache is smaller than what one token needs',
  'dram-too-small': 'experts are read from the SSD',
  'machine-defaults': 'figures of the machine were assumed',
  'page-cache': 'the page cache of the system reads experts from the SSD',
  'pass-split': 'prompts are read in several passes',
  'profiled-on-itself': 'popularity was counted on tokens that are replayed',
  'routing-reused': 'routing is used more than once',
  'streams-cut': 'long requests were cut into streams',
};
const SAID_ELSEWHERE = new Set(['does-not-fit', 'synthetic-routing']);

function notesOf({ warnings }: Result): string[] {
  const codes = [...new Set(warnings.map(({ code }) => code))].filter((code) => !SAID_ELSEWHERE.has(code));
  return codes.map((code) => WORDS[code] ?? code.replaceAll('-', ' '));
}

/** Notes that all runs have. */
function sharedNotes(ranked: readonly Ranked[]): string[] {
  const [first, ...others] = ranked.map(({ result }) => notesOf(result));
  return others.length === 0 ? [] : first!.filter((note) => others.every((notes) => notes.includes(note)));
}

function common(ranked: readonly Ranked[]): Line[] {
  return sharedNotes(ranked).map((text) => ({ label: 'all', text, tone: 'warning' }));
}

function titleOf(result: Result): string {
  const { inputs } = result;
  const routing = inputs.traces.map(({ path, synthetic }) => (synthetic ? 'synthetic routing' : path)).join(', ');
  return `${inputs.model} ${inputs.quantization}, ${formatCount(tokensRun(result))} tokens of ${routing}`;
}

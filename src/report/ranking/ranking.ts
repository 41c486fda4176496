import { byName, groupedBy } from '../../base/objects.js';
import { formatCount, formatRatio, formatTokensPerSecond } from '../../base/units.js';
import { metricValue } from '../../result/catalogue.js';
import { KNOWLEDGE, markOf } from '../../result/knowledge.js';
import type { Result } from '../../result/result.js';
import { tokensRun } from '../../result/work-done.js';
import { AGAIN, againText } from '../document/again.js';
import { type Document, figure, type Grid, grid, type Line, linesBlock, note, ratio } from '../document/document.js';
import { documentFormats } from '../document/formats.js';
import { heldOutLead, heldOutTokens } from '../document/held-out.js';
import { hitRangeLead, hitRateOf } from '../document/hit-rates.js';
import { STAND_IN, standInLead } from '../document/stand-ins.js';
import { bareRate } from '../format.js';
import { bareRange, tenfoldOfAll, underOne } from '../words.js';
import { fits, phaseRanked, type Ranked, rank } from './rank.js';
import { type RankedRun, refusedGrid, splitRuns, withRefused } from './refused.js';

/** Runs of one workload, best first: `moeprof run -s a,b,c`. */
export const rankingReports = documentFormats<readonly RankedRun[]>(rankingDocument, (runs) => {
  const { refused, results } = splitRuns(runs);
  return [...rank(results).map(({ result }) => result), ...refused];
});

/** A ranking as a document. */
export function rankingDocument(runs: readonly RankedRun[]): Document {
  const { refused, results } = splitRuns(runs);
  const ranked = rank(results);
  const whole = rankingGrid(ranked);
  const fitting = ranked.filter(({ result }) => fits(result));
  const others = ranked.slice(fitting.length);
  return {
    title: titleOf(results[0]!),
    answer: bestOf(ranked),
    lead: [
      { text: orderOf(ranked) },
      ...runtimesOf(ranked),
      ...heldOutLead(heldOutTokens(results[0]!)),
      ...standInLead(results),
      ...hitRangeLead(results),
      ...lengthLead(ranked),
      ...(ranked.some(({ result }) => isLossy(result)) ? [{ text: '* lossless: computes what the model computes' }] : []),
    ],
    blocks: [
      ...(others.length === 0 ? byFooting(ranked, whole) : byFooting(fitting, part(whole, whole.rows.slice(0, fitting.length)))),
      ...(others.length === 0 ? [] : [{ ...part(whole, whole.rows.slice(fitting.length)), title: NO_ROOM }]),
      refusedGrid(refused),
      linesBlock([...reasons(ranked), ...common(ranked)], { only: ['terminal'] }),
      linesBlock(common(ranked), { only: ['markdown'] }),
      ...again(ranked[0]!),
    ],
    records: withRefused(whole, refused),
  };
}

function bestOf(ranked: readonly Ranked[]): string {
  const { decode, name, prefill } = ranked.find(({ result }) => fits(result) && footingOf(result) === 'nothing') ?? ranked[0]!;
  if (decode !== null) return `${name} is fastest: ${formatTokensPerSecond(decode)}`;
  return `${name} reads prompts fastest${prefill === null ? '' : `: ${formatTokensPerSecond(prefill)}`}`;
}

function lengthLead(ranked: readonly Ranked[]): Line[] {
  const text = tenfoldOfAll(ranked);
  return text === null ? [] : [{ text }];
}

const NO_ROOM = 'do not fit their machine: figures as if it had the memory';

/** In the whole grid's column widths. */
function part(whole: Grid, rows: Grid['rows']): Grid {
  const width = (head: string, index: number): number => Math.max(head.length, ...whole.rows.map((row) => row[index]!.text.length));
  const columns = whole.columns.map((column, index) => ({ ...column, width: width(column.head, index) }));
  return { ...whole, columns, rows };
}

/** Groups of runs on one footing (L17, L26), in report order; the last match counts. */
const FOOTINGS: readonly { readonly name: string; readonly has: (result: Result) => boolean; readonly title: string | null }[] = [
  ...KNOWLEDGE.map((known) => ({ name: known, has: ({ knowledge }: Result) => (knowledge?.most ?? 'nothing') === known, title: null })),
  { name: 'own memory', has: fixesCache, title: 'have a cache of their own size, whatever --cache says' },
  { name: 'lossy', has: isLossy, title: 'lossy: compute something else than the model' },
];

function fixesCache({ config }: Result): boolean {
  const { cache } = (config.system ?? {}) as { readonly cache?: { readonly capacity?: unknown } };
  return cache?.capacity !== undefined;
}

function isLossy(result: Result): boolean {
  const changed = metricValue(result, 'quality.degraded_rate') ?? metricValue(result, 'rerank.changed');
  return result.inputs.variants !== undefined || changed !== null;
}

const footingOf = (result: Result): string => FOOTINGS.findLast(({ has }) => has(result))!.name;

/** A titled grid per footing; one untitled grid if all runs use only the past. */
function byFooting(ranked: readonly Ranked[], whole: Grid): Grid[] {
  const footings = ranked.map(({ result }) => footingOf(result));
  if (ranked.length === 0) return [];
  if (footings.every((footing) => footing === 'nothing')) return [whole];
  return FOOTINGS.flatMap(({ name, title }) => {
    const rows = whole.rows.filter((_, row) => footings[row] === name);
    const heading = title ?? headingOf(ranked.filter((_, row) => footings[row] === name));
    return rows.length === 0 ? [] : [{ ...part(whole, rows), title: heading }];
  });
}

function headingOf(ranked: readonly Ranked[]): string {
  const marks = ranked.map(({ result }) => markOf(result) ?? 'knows only what has happened');
  const different = [...new Set(marks)];
  if (different.length <= 1) return different[0] ?? '';
  const those = (mark: string): string[] => ranked.filter((_, index) => marks[index] === mark).map(({ name }) => name);
  return different.map((mark) => `${mark} (${those(mark).join(', ')})`).join('; ');
}

function rankingGrid(ranked: readonly Ranked[]): Grid {
  const lossy = ranked.some(({ result }) => isLossy(result));
  // Range of 80 % of comparable measurements.
  const banded = ranked.some(({ result }) => (result.accuracy?.decode ?? null) !== null);
  // Whole percent next to a range, for space.
  const drawn = ranked.some(({ result }) => result.hitRange !== undefined);
  const hits = (rate: number): string => (drawn ? (100 * rate).toFixed(0) : formatRatio(rate));
  return grid(ranked, [
    { head: '', of: ({ name, result }) => (lossy && !isLossy(result) ? `${name}*` : name), most: 'rest', only: ['terminal', 'markdown'] },
    { head: 'system', of: ({ result }) => result.inputs.system, only: ['csv'] },
    { head: 'hardware', of: ({ result }) => result.inputs.hardware, only: ['csv'] },
    { head: 'decode', name: 'speed.decode', of: ({ decode }) => bareRate(decode) },
    ...(banded
      ? [{ head: 'range', name: 'accuracy.decode', of: ({ decode, result }: Ranked) => bareRange(result.accuracy?.decode, decode) }]
      : []),
    { head: 'prefill', name: 'speed.prefill', of: ({ prefill }) => bareRate(prefill) },
    {
      head: drawn ? 'hits, %' : 'hit rate',
      name: 'hit rate',
      of: ({ result }) => hitRateOf(metricValue(result, 'cache.hit_rate') ?? 0, result, hits),
    },
    { head: 'moved/token', name: 'moved_bytes_per_token', of: ({ result }) => figure(movedPerToken(result), 'bytes') },
    { head: 'waits', name: 'stall_share', of: ({ result }) => ratio(metricValue(result, 'share.stall') ?? 0) },
    { head: 'why slower', align: 'left', of: ({ reason }) => reason, only: ['markdown', 'csv'] },
    { head: 'notes', align: 'left', of: (row) => notesOf(row.result).join('; '), only: ['markdown', 'csv'] },
    { head: 'knows', name: 'knowledge', of: ({ result }) => result.knowledge?.most ?? 'nothing', only: ['csv'] },
    { head: 'footing', of: ({ result }) => footingOf(result), only: ['csv'] },
    { head: 'mark', align: 'left', of: ({ result }) => markOf(result), only: ['markdown', 'csv'] },
    ...(ranked.some(({ result }) => againText(result) !== '')
      ? [{ ...AGAIN, of: ({ result }: Ranked) => againText(result), only: ['markdown', 'csv'] as const }]
      : []),
  ]);
}

function orderOf(ranked: readonly Ranked[]): string {
  const phase = phaseRanked(ranked.map(({ result }) => result));
  const [by, why] = phase === 'decode' ? ['decode', ''] : ['prefill', ', since nothing is decoded'];
  return `fastest ${by} first (speed.${by}, tok/s for each request)${why}`;
}

/** Common runtime of all runs. Several runtimes on a machine (L26) explain part of a difference. */
function runtimesOf(ranked: readonly Ranked[]): Line[] {
  const onMachine = new Map(ranked.map(({ result: { inputs } }) => [inputs.hardware, inputs.runtime]));
  if (ranked.every(({ result: { inputs } }) => onMachine.get(inputs.hardware) === inputs.runtime)) {
    const [name, ...others] = new Set(onMachine.values());
    const systems = new Set(ranked.map(({ result: { inputs } }) => inputs.system)).size;
    if (name === undefined || others.length > 0 || systems === 1) return [];
    return [{ text: underOne(name) }];
  }
  const driven = ranked.flatMap(({ name, result: { inputs } }) =>
    inputs.runtime === undefined ? [] : [{ name, runtime: inputs.runtime }],
  );
  const byRuntime = groupedBy(driven, ({ runtime }) => runtime);
  const each = [...byRuntime].map(([runtime, those]) => `${runtime} (${those.map(({ name }) => name).join(', ')})`);
  return [{ text: `runtimes differ, and so do constants that were fitted: ${each.join(', ')}; without --runtime own all are under one` }];
}

function reasons(ranked: readonly Ranked[]): Line[] {
  const all = new Set(sharedNotes(ranked));
  return ranked.flatMap(({ name, reason, result }) => {
    const notes = [reason, ...notesOf(result).filter((note) => !all.has(note))].filter((text) => text !== '');
    return notes.length === 0 ? [] : [{ text: `${name}: ${notes.join('; ')}`, tone: 'item' as const }];
  });
}

/** Bytes per token from any tier: a phone has flash below memory, and no host memory. */
function movedPerToken(result: Result): number {
  return metricValue(result, 'transfer.h2d.bytes_per_token') ?? metricValue(result, 'transfer.ssd.bytes_per_token') ?? 0;
}

function again({ name, result }: Ranked): Document['blocks'] {
  const command = againText(result);
  return command === '' ? [] : [note(`${name} again: ${command}`, 'item', { only: ['terminal'] })];
}

function common(ranked: readonly Ranked[]): Line[] {
  return sharedNotes(ranked).map((text) => ({ label: 'all', text, tone: 'warning' }));
}

function titleOf(result: Result): string {
  const { inputs } = result;
  const routing = inputs.traces.map(({ path, synthetic }) => (synthetic ? 'synthetic routing' : path)).join(', ');
  return `${inputs.model} ${inputs.quantization}, ${formatCount(tokensRun(result))} tokens of ${routing}`;
}

/** Texts by warning code. */
const WORDS = byName<string>({
  'below-token-cycle': 'the cache is smaller than what one token needs',
  'dram-too-small': 'experts are read from the SSD',
  'machine-defaults': 'figures of the machine were assumed',
  'system-chosen': 'no -s given, a baseline runs',
  'page-cache': 'the page cache of the system reads experts from the SSD',
  'pass-split': 'prompts are read in several passes',
  'profiled-on-itself': 'popularity was counted on tokens that are replayed, or later ones',
  'routing-reused': 'routing is used more than once',
  'streams-cut': 'long requests were cut into streams',
});

/** Codes shown in the lead or a heading. */
const REPORTED_APART = new Set(['does-not-fit', 'synthetic-routing', STAND_IN]);

function notesOf({ warnings }: Result): string[] {
  const codes = [...new Set(warnings.map(({ code }) => code))].filter((code) => !REPORTED_APART.has(code));
  return codes.map((code) => WORDS[code] ?? code.replaceAll('-', ' '));
}

/** Notes common to several runs; empty for a single run. */
function sharedNotes(ranked: readonly Ranked[]): string[] {
  const [first, ...others] = ranked.map(({ result }) => notesOf(result));
  return others.length === 0 ? [] : first!.filter((note) => others.every((notes) => notes.includes(note)));
}

import { formatCount, formatCounted, formatRatio } from '../../base/units.js';
import { metricValue } from '../../result/catalogue.js';
import type { Result, Warning } from '../../result/result.js';
import { requestsRun, tokensRun } from '../../result/work-done.js';
import type { Grid } from '../document/document.js';
import { heldOutText, heldOutTokens } from '../document/held-out.js';
import { STAND_IN, standInTexts } from '../document/stand-ins.js';
import { metricText, printable } from '../format.js';
import { knownTimes, limitText } from '../limit.js';
import { changedParts, deviceWords } from '../words.js';
import { briefFacts, factsOf, phaseSpeedsText } from './facts.js';
import { cacheGrid, classGrid, latencyGrid } from './grids.js';
import { partWords, type RunTime, runTime } from './time.js';

/** Facts in reading order: source of the document and the HTML page. */
export interface Summary {
  readonly title: string;
  /** Both speeds with ranges; null if no time passed. */
  readonly speed: string | null;
  /** Largest part of the time that could be saved; null if unknown. */
  readonly limit: string | null;
  readonly origin: string;
  /** Null: all routing is recorded. */
  readonly synthetic: string | null;
  /** Null: no tokens held out for popularity counts. */
  readonly heldOut: string | null;
  readonly standIns: readonly string[];
  /** Deviation of a run from the request, with the reason. */
  readonly chosen: string | null;
  readonly cache: Grid;
  /** Null: no latency measured. */
  readonly latency: Grid | null;
  /** Null: no request classes. */
  readonly classes: Grid | null;
  readonly facts: readonly (readonly [label: string, text: string])[];
  readonly brief: readonly (readonly [label: string, text: string])[];
  /** Null: no time passed. */
  readonly time: RunTime | null;
  readonly bounds: readonly BoundRow[];
  readonly warnings: readonly Warning[];
}

/** Summarizes a result. */
export function summarizeResult(result: Result): Summary {
  const { model, quantization, hardware, system } = result.inputs;
  return {
    title: printable(`${model} ${quantization} on ${hardware}, ${system}${changedParts(result)}`),
    speed: phaseSpeedsText(result),
    limit: limit(result),
    origin: origin(result),
    synthetic: synthetic(result),
    heldOut: heldOutText(heldOutTokens(result)),
    standIns: standInTexts([result]),
    chosen: chosen(result),
    cache: cacheGrid(result),
    latency: latencyGrid(result),
    classes: classGrid(result),
    facts: factsOf(result),
    brief: briefFacts(result),
    time: runTime(result),
    bounds: boundRows(result),
    warnings: result.warnings
      .filter(({ code }) => code !== 'synthetic-routing' && code !== 'system-chosen' && code !== STAND_IN)
      .map(({ code, message }) => ({ code: printable(code), message: printable(message) })),
  };
}

/** Limit by the bounds or, without bounds, the largest part of the time. */
function limit(result: Result): string | null {
  const known = knownTimes(result);
  const limits = known === null ? '' : limitText(known, deviceWords(result).processor);
  if (limits !== '') return `limited by ${limits.split(';')[0]}`;
  const time = runTime(result);
  const most = time?.parts.reduce((most, part) => (part.ns > most.ns ? part : most), time.parts[0]!);
  return time === null || most === undefined ? null : `most of the time: ${partWords(most.label, time.source)}, ${formatRatio(most.share)}`;
}

function origin(result: Result): string {
  const { traces } = result.inputs;
  const paths = traces.map((trace) => (trace.synthetic && trace.path === 'synthetic' ? 'synthetic routing' : printable(trace.path)));
  const tokens = new Set(traces.map((trace) => trace.tokens));
  const shares =
    traces.length === 1
      ? ''
      : tokens.size === 1
        ? `, ${formatCount(traces[0]!.tokens)} of each`
        : `, ${traces.map((trace) => formatCount(trace.tokens)).join(' + ')}`;
  return `${formatCounted(tokensRun(result), 'token')} of ${formatCounted(requestsRun(result), 'request')} from ${paths.join(', ')}${shares}`;
}

function chosen({ warnings }: Result): string | null {
  const message = warnings.find(({ code }) => code === 'system-chosen')?.message;
  return message === undefined ? null : printable(message);
}

function synthetic(result: Result): string | null {
  const { traces } = result.inputs;
  const made = traces.filter((trace) => trace.synthetic).length;
  if (made === 0) return null;
  const which = made === traces.length ? 'The routing is' : `The routing of ${made} of ${traces.length} traces is`;
  return `${which} synthetic: drawn, not recorded; -t takes a recorded trace.`;
}

/** Share of the gap between no cache and a bound closed by the run. */
export interface BoundRow {
  readonly label: string;
  /** Figures as text: no expert cache, the run, the bound. */
  readonly worst: string;
  readonly own: string;
  readonly best: string;
  readonly bound: string;
  /** 0..1 */
  readonly closed: number;
}

function boundRows(result: Result): BoundRow[] {
  const rows = [
    ['hit rate', 'cache.hit_rate', 'bound.belady.hit_rate', 'Belady', 'headroom.hit_rate', formatRatio(0)],
    [
      'TPOT',
      'latency.tpot.mean',
      'bound.all_resident.tpot',
      'all resident',
      'headroom.tpot',
      metricText(result, 'bound.no_cache.tpot') ?? '',
    ],
  ] as const;
  return rows.flatMap(([label, own, bestOf, bound, headroom, worst]) => {
    const [best, open] = [metricText(result, bestOf), metricValue(result, headroom)];
    return best === null || open === null ? [] : [{ label, worst, own: metricText(result, own) ?? '', best, bound, closed: 1 - open }];
  });
}

// The summary of a run in the order of a reader's questions: the source of the run's document and its HTML page.

import { formatCount, formatCounted, formatRatio } from '../../base/units.js';
import type { Result, Warning } from '../../result/result.js';
import { requestsRun, tokensRun } from '../../result/work-done.js';
import type { Grid } from '../document/document.js';
import { heldOutText, heldOutTokens } from '../document/held-out.js';
import { STAND_IN, standInTexts } from '../document/stand-ins.js';
import { metricText, metricValue, printable } from '../format.js';
import { knownTimes, limitText } from '../limit.js';
import { changedParts, deviceWords } from '../words.js';
import { briefFacts, factsOf, phaseSpeedsText } from './facts.js';
import { cacheGrid, classGrid, latencyGrid } from './grids.js';
import { partWords, type RunTime, runTime } from './time.js';

/** A run at a glance. */
export interface Summary {
  readonly title: string;
  /** Both speeds with their ranges; null if no time passed. */
  readonly speed: string | null;
  /** The largest part of the time that could be saved, in a sentence; null if nothing is known of it. */
  readonly limit: string | null;
  /** Tokens, requests, traces. */
  readonly origin: string;
  /** Set if some of the routing is synthetic. */
  readonly synthetic: string | null;
  /** Set if a part of the trace is held out for popularity counts. */
  readonly heldOut: string | null;
  /** Parts of the machine that were taken. */
  readonly standIns: readonly string[];
  /** The deviation of a run from the request, and its reason. */
  readonly chosen: string | null;
  readonly cache: Grid;
  /** Null where no latency could be measured. */
  readonly latency: Grid | null;
  /** Null where requests have no classes. */
  readonly classes: Grid | null;
  /** Label and text, e.g. `speed`. */
  readonly facts: readonly (readonly [label: string, text: string])[];
  /** Those for a glance. */
  readonly brief: readonly (readonly [label: string, text: string])[];
  /** Null where no time passed. */
  readonly time: RunTime | null;
  readonly bounds: readonly BoundRow[];
  readonly warnings: readonly Warning[];
}

/** Condenses a result. */
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
    // Already shown under the title.
    warnings: result.warnings
      .filter(({ code }) => code !== 'synthetic-routing' && code !== 'system-chosen' && code !== STAND_IN)
      .map(({ code, message }) => ({ code: printable(code), message: printable(message) })),
  };
}

/** What limits a run: of its bounds or, if they were not computed, the largest part of its time. */
function limit(result: Result): string | null {
  const known = knownTimes(result);
  const limits = known === null ? '' : limitText(known, deviceWords(result).processor);
  // Its other parts are a fact of their own.
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

/** The share of the gap between no cache and a bound that this run closes. */
export interface BoundRow {
  readonly label: string;
  /** Figures with no expert cache, of this run, and of the bound, as text. */
  readonly worst: string;
  readonly own: string;
  readonly best: string;
  readonly bound: string;
  /** 0..1. */
  readonly closed: number;
}

/** The bounds of a run, as rows; those that were not computed are omitted. */
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

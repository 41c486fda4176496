import { formatNs, formatRate } from '../../base/units.js';
import { metricValue } from '../../result/catalogue.js';
import type { Result } from '../../result/result.js';
import { tokensRun } from '../../result/work-done.js';
import { formatDelta } from '../format.js';
import { type Phase, phaseSpeed, phaseTime } from '../phase-time.js';
import { changedParts } from '../words.js';

/** A run of a ranking. */
export interface Ranked {
  readonly result: Result;
  readonly name: string;
  /** Tokens per second of a request (L21); null if the phase is absent. */
  readonly decode: number | null;
  readonly prefill: number | null;
  /** Why the run is slower than the best; empty for the best. */
  readonly reason: string;
}

/** Phase that orders a ranking: decode, or prefill if no run decodes. */
export function phaseRanked(results: readonly Result[]): Phase {
  return results.some((result) => phaseSpeed(result, 'decode') !== null) ? 'decode' : 'prefill';
}

/** True if the run fits its machine's memory. */
export const fits = ({ warnings }: Result): boolean => !warnings.some(({ code }) => code === 'does-not-fit');

/** Runs that do not fit are last, ties keep their order. */
export function rank(results: readonly Result[]): Ranked[] {
  const phase = phaseRanked(results);
  const sorted = [...results].sort(
    (a, b) => Number(fits(b)) - Number(fits(a)) || (phaseSpeed(b, phase) ?? 0) - (phaseSpeed(a, phase) ?? 0),
  );
  const best = sorted[0]!;
  const machines = new Set(results.map(({ inputs }) => inputs.hardware)).size > 1;
  const systems = new Set(results.map(({ inputs }) => inputs.system)).size > 1;
  return sorted.map((result) => {
    const { hardware } = result.inputs;
    const system = result.inputs.system + changedParts(result);
    const name = machines && systems ? `${system} on ${hardware}` : machines ? hardware : system;
    const speeds = { decode: phaseSpeed(result, 'decode'), prefill: phaseSpeed(result, 'prefill') };
    return {
      result,
      name,
      ...speeds,
      reason: (phaseSpeed(result, phase) ?? 0) > (phaseSpeed(best, phase) ?? 0) || result === best ? '' : reasonOf(phase, best, result),
    };
  });
}

/** Time of a token of a request in a phase, ns. */
interface TokenTime {
  readonly wholeNs: number;
  readonly parts: readonly (readonly [name: string, ns: number])[];
  readonly cpuNs: number;
}

/** The remainder is time between decode passes, which yield a token per request, or more with speculation. */
function tokenTime(phase: Phase, result: Result): TokenTime {
  const wholeNs = 1e9 / (phaseSpeed(result, phase) ?? Number.NaN);
  const time = phaseTime(result, phase);
  if (time === null) return { wholeNs, parts: [], cpuNs: 0 };
  const tokensPerPass = metricValue(result, 'speculation.tokens_per_pass') ?? 1;
  const tokens = phase === 'decode' ? time.passes * tokensPerPass : tokensRun(result);
  const nsOf = (label: string): number => (time.parts.find((part) => part.label === label)?.ns ?? 0) / tokens;
  const parts = [
    ['stall', nsOf('stall') + nsOf('SSD')],
    ['waiting for the CPU', nsOf('CPU')],
    ['experts', nsOf('experts')],
    ['dense', nsOf('dense')],
    ['exchange between GPUs', nsOf('all-to-all')],
  ] as const;
  const between = parts.reduce((rest, [, ns]) => rest - ns, wholeNs);
  return { wholeNs, parts: [...parts, ['prompts and pauses', between]], cpuNs: time.cpuNs / tokens };
}

/** Why a run is slower: the part that grew most; for stall also misses and bytes moved. */
function reasonOf(phase: Phase, best: Result, other: Result): string {
  const [before, after] = [tokenTime(phase, best), tokenTime(phase, other)];
  if (after.wholeNs === before.wholeNs) return 'as fast';
  const [largest] = after.parts
    .map(([name, ns], part) => ({ name, delta: ns - (before.parts[part]?.[1] ?? 0) }))
    .sort((a, b) => b.delta - a.delta);
  if (largest === undefined) return '';
  const words = `+${formatNs(largest.delta)} ${largest.name} a token`;
  if (largest.name !== 'stall') return words;
  return [words, behindStall(phase, best, other, after.cpuNs - before.cpuNs)].filter((text) => text !== '').join(': ');
}

/** `cpuNs`: additional CPU time per token, ns. */
function behindStall(phase: Phase, best: Result, other: Result, cpuNs: number): string {
  const notes: string[] = [];
  const hitsOf = (result: Result): number => metricValue(result, `cache.hit_rate.${phase}`) ?? metricValue(result, 'cache.hit_rate') ?? 0;
  const hits = hitsOf(other) - hitsOf(best);
  if (Math.abs(hits) >= 0.0005) notes.push(`${formatDelta(hits, 'ratio')} hits`);
  for (const [link, from] of [
    ['h2d', ''],
    ['ssd', ' from the SSD'],
  ] as const) {
    const bytes = bytesPerToken(other, link) - bytesPerToken(best, link);
    if (Math.abs(bytes) >= 1) notes.push(`${formatDelta(bytes, 'bytes')} a token${from}`);
  }
  const [rate, bestRate] = [bytesPerSecond(other), bytesPerSecond(best)];
  if (other.inputs.hardware !== best.inputs.hardware && rate > 0 && bestRate > 0) {
    notes.push(`at ${formatRate(rate)} instead of ${formatRate(bestRate)}`);
  }
  if (Math.abs(cpuNs) >= 1) notes.push(`${formatDelta(cpuNs, 'ns')} CPU a token`);
  return notes.join(', ');
}

function bytesPerToken(result: Result, link: 'h2d' | 'ssd'): number {
  return metricValue(result, `transfer.${link}.bytes_per_token`) ?? 0;
}

/** Bytes per second of the busy link to the GPU; 0 if never busy. */
function bytesPerSecond(result: Result): number {
  const busyNs = (metricValue(result, 'transfer.h2d.utilization') ?? 0) * (metricValue(result, 'time.total') ?? 0);
  return busyNs === 0 ? 0 : (metricValue(result, 'transfer.h2d.bytes') ?? 0) / (busyNs / 1e9);
}

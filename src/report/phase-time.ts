import { metricValue } from '../result/catalogue.js';
import type { PhasedMetric } from '../result/metrics.js';
import type { Result } from '../result/result.js';

/** Passes with prompt tokens, or passes that only generate. */
export type Phase = 'prefill' | 'decode';

/** A part of the GPU's time. */
export interface PhasePart {
  readonly label: 'dense' | 'experts' | 'CPU' | 'SSD' | 'stall' | 'all-to-all';
  readonly ns: number;
}

/** Time of the passes of one kind by part. */
export interface PhaseTime {
  readonly passes: number;
  readonly parts: readonly PhasePart[];
  /** Concurrent CPU work, ns. */
  readonly cpuNs: number;
}

/** Time of passes; of all passes for `phase` null, or a single kind. Null: passes are not counted. */
export function phaseTime(result: Result, phase: Phase | null): PhaseTime | null {
  const apart = metricValue(result, 'schedule.passes.decode') !== null && phase !== null;
  const of = (name: PhasedMetric): number | null => metricValue(result, apart ? `${name}.${phase}` : name);
  const passes = of('schedule.passes');
  if (passes === null || passes === 0) return null;
  return { passes, parts: timeParts(of), cpuNs: of('time.cpu') ?? 0 };
}

/** `stall`: waits for the link. @param of a metric's value, or null */
export function timeParts(of: (name: PhasedMetric) => number | null): PhasePart[] {
  const cpuNs = of('time.stall_cpu');
  const ssdNs = of('time.stall_ssd');
  // Hides a rounding remainder.
  const linkNs = (of('time.stall') ?? 0) - (cpuNs ?? 0) - (ssdNs ?? 0);
  const named = [
    ['dense', of('time.dense') ?? 0],
    ['experts', of('time.compute') ?? 0],
    ['CPU', cpuNs],
    ['SSD', ssdNs],
    ['stall', linkNs > 1 || ssdNs === null ? Math.max(0, linkNs) : null],
    ['all-to-all', of('time.all_to_all')],
  ] as const;
  return named.flatMap(([label, ns]) => (ns === null ? [] : [{ label, ns }]));
}

/** Kinds of passes of a mixed run, decode first; empty for a single kind. */
export function phasesOf(result: Result): readonly Phase[] {
  return metricValue(result, 'schedule.passes.decode') === null ? [] : ['decode', 'prefill'];
}

/** Tokens per second of a request in a phase (L21); null if the phase is absent. */
export const phaseSpeed = (result: Result, phase: Phase): number | null => metricValue(result, `speed.${phase}`);

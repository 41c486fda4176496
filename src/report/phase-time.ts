import type { Result } from '../result/result.js';
import { metricValue } from './format.js';

/** A kind of passes: those with prompt tokens, or those that only generate. */
export type Phase = 'prefill' | 'decode';

/** A part of the GPU's time. */
export interface PhasePart {
  readonly label: 'dense' | 'experts' | 'CPU' | 'SSD' | 'stall' | 'all-to-all';
  readonly ns: number;
}

/** The time of prefill and of decoding by part, which a sum over the whole run would hide. Time of the passes of one kind. */
export interface PhaseTime {
  readonly passes: number;
  readonly parts: readonly PhasePart[];
  /** Concurrent work of the CPU, ns. */
  readonly cpuNs: number;
}

/** The time of the passes of a kind; of all if they are of one kind, or `phase` is null; null: the result does not contain their number. */
export function phaseTime(result: Result, phase: Phase | null): PhaseTime | null {
  const apart = result.metrics['schedule.passes.decode'] !== undefined && phase !== null;
  const of = (name: string): number | null => metricValue(result, apart ? `${name}.${phase}` : name);
  const passes = of('schedule.passes');
  if (passes === null || passes === 0) return null;
  return { passes, parts: timeParts(of), cpuNs: of('time.cpu') ?? 0 };
}

/** The parts of the GPU's time; `stall` is waiting for the link, in earlier versions for SSD and CPU too. @param of a metric's value, or null */
export function timeParts(of: (name: string) => number | null): PhasePart[] {
  const cpuNs = of('time.stall_cpu');
  const ssdNs = of('time.stall_ssd');
  // A rounding remainder next to the SSD's part is not shown.
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

/** The kinds of passes of a run that has both, decoding first. */
export function phasesOf(result: Result): readonly Phase[] {
  return result.metrics['schedule.passes.decode'] === undefined ? [] : ['decode', 'prefill'];
}

/** Tokens per second of one request in a phase (L21); null if the run has no such phase. */
export const phaseSpeed = (result: Result, phase: Phase): number | null => metricValue(result, `speed.${phase}`);

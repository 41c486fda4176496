// Where the time of prompts and of decoding goes, apart: the whole run mixes two things that no reader compares.
import type { Result } from '../result/result.js';

/** A kind of passes: those with prompt tokens, or those that only generate. */
export type Phase = 'prefill' | 'decode';

/** A part of the GPU's time. */
interface PhasePart {
  readonly label: 'dense' | 'experts' | 'CPU' | 'stall' | 'all-to-all';
  readonly ns: number;
}

/** Time of the passes of one kind. */
export interface PhaseTime {
  readonly passes: number;
  /** They add up to the time of the passes. */
  readonly parts: readonly PhasePart[];
  /** Work of the CPU beside them, ns. */
  readonly cpuNs: number;
}

/**
 * The time of the passes of a kind; of all passes where they are of one kind, or `phase` is null.
 * @returns null where the result does not say how many there were
 */
export function phaseTime(result: Result, phase: Phase | null): PhaseTime | null {
  const apart = result.metrics['schedule.passes.decode'] !== undefined && phase !== null;
  const of = (name: string): number | undefined => result.metrics[apart ? `${name}.${phase}` : name]?.value;
  const passes = of('schedule.passes');
  if (passes === undefined || passes === 0) return null;
  const named = [
    ['dense', of('time.dense') ?? 0],
    ['experts', of('time.compute') ?? 0],
    ...waits(of('time.stall'), of('time.stall_cpu')),
    // Only several GPUs have it.
    ['all-to-all', of('time.all_to_all')],
  ] as const;
  const parts = named.flatMap(([label, ns]) => (ns === undefined ? [] : [{ label, ns }]));
  return { passes, parts, cpuNs: of('time.cpu') ?? 0 };
}

/** What the GPU waits for: the CPU that computes, and experts that arrive; a result of an earlier version does not tell them apart. */
export function waits(stallNs = 0, cpuNs: number | undefined): readonly (readonly ['CPU' | 'stall', number | undefined])[] {
  return [
    ['CPU', cpuNs],
    ['stall', Math.max(0, stallNs - (cpuNs ?? 0))],
  ];
}

/** The kinds of passes that a run has, where it has both; decoding first. */
export function phasesOf(result: Result): readonly Phase[] {
  return result.metrics['schedule.passes.decode'] === undefined ? [] : ['decode', 'prefill'];
}
